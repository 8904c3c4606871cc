// OpenAI's chat completions, as a client writes and reads them. Source: OpenAI's API reference,
// "Chat completions"; tolerant of what Ollama, vLLM and LM Studio leave out. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "llm/model.h"

namespace kelpie::llm {

enum class Streaming : uint8_t { kNo, kYes };

// OpenAI's own newer models refuse `max_tokens`; compatible servers know nothing else.
enum class TokenLimitField : uint8_t { kMaxTokens, kMaxCompletionTokens };

struct EncodeOptions {
  Streaming streaming = Streaming::kNo;
  TokenLimitField token_limit = TokenLimitField::kMaxTokens;
};

std::string encode_request(const ChatRequest& request, const EncodeOptions& options);

// A whole answer. Calls without an id get `id_prefix` and their index: ids that the server left out
// must still be unique in a history. Errors: `data_loss` when the text is not JSON or not a
// completion, else what its `error` object says.
Result<ChatReply> decode_reply(ByteView body, std::string_view id_prefix);

// The error that an HTTP status and body mean, by model.h; 400 is the least `status`. The message
// quotes at most 500 bytes of what the server said.
Error decode_error(int status, ByteView body);
// True when the error's body says that the account, not the moment, is the reason: no retry helps.
bool is_quota_error(ByteView body);

struct ListedModel {
  std::string name;
  int64_t context_window = 0;  // 0 when the server does not say
};
// The answer to GET /models; at most `count_max`, in order of name.
Result<std::vector<ListedModel>> decode_models(ByteView body, size_t count_max);

}  // namespace kelpie::llm
