// OfflineModel: the offline rules as a Model in process.
#pragma once

#include "llm/model.h"

namespace kelpie::async {
class Loop;
}

namespace kelpie::llm {

// One Loop, which outlives it; holds no state. Streams word by word, and lets the loop run between
// two words. A `fail with ...` line of the user's ends the call with the error that an HTTP
// provider's answer would become; one that fails only `once` or `twice` is passed over, as a retry
// would.
class OfflineModel final : public Model {
 public:
  explicit OfflineModel(async::Loop& loop) : loop_(loop) {}

  Task<ChatReply> complete(ChatRequest request, DeltaSink* sink) override;

 private:
  async::Loop& loop_;
};

}  // namespace kelpie::llm
