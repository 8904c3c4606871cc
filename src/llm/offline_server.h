// OfflineModelHandler: the offline model as an OpenAI-compatible endpoint, for trying clients and
// for tests.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <string>
#include <string_view>

#include "llm/offline_script.h"
#include "llm/openai_serve.h"
#include "net/http.h"
#include "world/world.h"

namespace kelpie::llm {

// GET /v1/models, GET /v1/models/{id}, POST /v1/chat/completions; also without `/v1`. Any key is
// welcome. A `fail with ...` line of the user's text makes it fail on purpose; how often it did is
// remembered for the last kAttemptsKept conversations. One Loop; the world outlives it.
class OfflineModelHandler final : public net::Handler {
 public:
  static constexpr size_t kAttemptsKept = 1'000;

  explicit OfflineModelHandler(World& world) : world_(world) {}

  Task<net::Response> handle(net::Request request) override;
  net::Response reject(int status, std::string_view reason) override;

 private:
  Task<net::Response> complete(net::Request request);
  Task<net::Response> fail(FaultScript script, const CompletionRequest& request);
  net::Response answer(const CompletionRequest& request);
  // Counts this attempt; the fault that it meets.
  FaultScript fault_for(const net::Request& request, const ChatRequest& chat);

  World& world_;
  std::map<uint64_t, int> attempts_;  // by hash of the request's body
  std::deque<uint64_t> attempt_order_;
};

}  // namespace kelpie::llm
