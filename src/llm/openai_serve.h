// OpenAI's chat completions, as a server reads and writes them: the other side of openai_codec.h.
// Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/result.h"
#include "llm/model.h"
#include "llm/openai_codec.h"

namespace kelpie::llm {

enum class UsageChunk : uint8_t { kNo, kYes };

struct CompletionRequest {
  ChatRequest chat;
  Streaming streaming = Streaming::kNo;
  UsageChunk usage_chunk = UsageChunk::kNo;
};

// What a client got wrong, as OpenAI says it.
struct ServedError {
  int status = 400;
  std::string message;
  std::string type = "invalid_request_error";
  std::string param;  // empty: null
  std::string code;   // empty: null
};

// Holds a request, or what is wrong with it. Unknown fields are passed over; `tool_choice` counts
// only as "none".
struct DecodedRequest {
  std::optional<CompletionRequest> request;
  ServedError error;
};
DecodedRequest decode_completion_request(ByteView body);

std::string encode_served_error(const ServedError& error);

// What all parts of one answer have in common.
struct CompletionHead {
  std::string id;
  std::string model;
  int64_t created = 0;  // seconds since 1970
};

std::string encode_completion(const CompletionHead& head, const ChatReply& reply);

// The chunks of a streamed answer, without the final `[DONE]`: the role, then the reply in pieces
// the size of a word (a call's first piece carries id and name), the reason for the end, and the
// usage if asked for.
std::vector<std::string> encode_chunks(const CompletionHead& head, const ChatReply& reply,
                                       UsageChunk usage_chunk);

}  // namespace kelpie::llm
