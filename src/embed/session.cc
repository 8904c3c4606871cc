#include "kelpie/session.h"

#include <utility>

#include "actor/runtime.h"
#include "actor/session.h"
#include "embed/call_options.h"
#include "kelpie/node.h"

namespace kelpie {

struct Session::Parts {
  explicit Parts(actor::Runtime& in_runtime) : runtime(in_runtime), session(in_runtime) {}
  actor::Runtime& runtime;
  actor::Session session;
};

Session::Session(Node& node) : parts_(std::make_unique<Parts>(node.runtime())) {}
Session::~Session() = default;

Task<Bytes> Session::call_raw(ActorRef actor, std::string method, Bytes arguments,
                              CallOptions options) {
  auto made = co_await detail::call_options(options, parts_->runtime.world().loop.now());
  co_return co_await parts_->session
      .invoke(std::move(actor), {std::move(method), std::move(arguments)}, std::move(made))
      .result();
}

}  // namespace kelpie
