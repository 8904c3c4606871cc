// OpenAiModel: the chat models behind one OpenAI-compatible endpoint (OpenAI, Ollama, vLLM, LM
// Studio).
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "async/task.h"
#include "base/time.h"
#include "llm/model.h"
#include "llm/openai_codec.h"
#include "net/http_client.h"
#include "world/rng.h"
#include "world/world.h"

namespace kelpie::llm {

struct OpenAiOptions {
  std::string base_url;  // as in `https://api.openai.com/v1`
  std::string api_key;   // empty: no `authorization` header
  Duration connect_timeout = Duration::seconds(10);
  // For a whole answer; when it is streamed, for its first piece and between any two.
  Duration request_timeout = Duration::seconds(300);
  // For a whole streamed answer, however lively its stream is.
  Duration stream_timeout = Duration::minutes(30);
  Duration list_timeout = Duration::seconds(10);
  // Tries of one request in all. A wait between two is doubled each time and jittered down to its
  // half.
  int attempts_max = 4;
  Duration backoff_first = Duration::millis(500);
  Duration backoff_max = Duration::seconds(20);
  // A server that asks for a longer wait gets no further try.
  Duration retry_after_max = Duration::seconds(60);
  size_t reply_bytes_max = 32 * 1024 * 1024;
  size_t models_max = 1'000;
  Duration models_kept = Duration::seconds(60);
  Duration models_error_kept = Duration::seconds(5);
};

// One Loop; many calls at once. The world and the client outlive it. The key is in no error and no
// log.
class OpenAiModel final : public Model {
 public:
  OpenAiModel(World& world, net::HttpClient& client, OpenAiOptions options);

  // Tries again after 408, 429 (but for an exhausted quota), 5xx and broken connections, as long as
  // the sink has heard nothing. Errors as in model.h; tokens are estimated when the server counts
  // none.
  Task<ChatReply> complete(ChatRequest request, DeltaSink* sink) override;

  // What GET /models says, in order of name, kept for `models_kept`.
  Task<std::vector<ListedModel>> list();

  [[nodiscard]] const std::string& base_url() const { return options_.base_url; }

 private:
  struct Attempt;
  struct ErrorAnswer;
  Task<Attempt> attempt(const std::string& body, DeltaSink* sink);
  Task<Attempt> bounded_attempt(const std::string& body, DeltaSink* sink);
  Task<Attempt> read_error(net::ClientResponse response);
  Task<Attempt> read_whole(net::ClientResponse response, DeltaSink* sink);
  Task<Attempt> read_stream(net::ClientResponse response, DeltaSink& sink);
  Task<std::vector<ListedModel>> fetch_models();
  Result<net::ClientRequest> prepare(std::string_view method, std::string_view path) const;
  std::optional<Duration> wait_before(int next_attempt, const Attempt& failed);
  std::string new_id_prefix();
  Error scrub(Error error) const;

  World& world_;
  net::HttpClient& client_;
  OpenAiOptions options_;
  world::Rng rng_;
  std::optional<Result<std::vector<ListedModel>>> models_;
  Instant models_until_;
};

// The wait that `retry-after-ms` or `retry-after` (whole or decimal seconds; not a date) asks for.
std::optional<Duration> retry_after(const net::Headers& headers);

// The text without the key, and without words that look like parts of one.
std::string without_key(std::string_view text, std::string_view key);

}  // namespace kelpie::llm
