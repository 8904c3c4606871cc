// Session: calls that happen exactly once, however often the way to the actor breaks.
//
//   kelpie::Session session(node);
//   int64_t value = co_await session.actor<Counter>("hits").call<&Counter::add>(1);
//
// A call whose fate is not known is made again, under the same number, until its deadline; the
// actor answers a repetition as it answered the first. `unknown` is left for the one case in which
// the deadline comes before anybody could tell.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "async/task.h"
#include "base/bytes.h"
#include "kelpie/handle.h"
#include "kelpie/types.h"

namespace kelpie {

class Node;

// Makes one call at a time to each actor; calls to different actors overlap. The node outlives it;
// it outlives its calls. It ends with its program: across restarts use
// CallOptions::idempotency_key.
class Session final : public Caller {
 public:
  explicit Session(Node& node);
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session();

  template <class A>
  [[nodiscard]] Handle<A> actor(std::string ns, std::string id) {
    return Handle<A>(*this, ActorRef{std::string(A::kType), std::move(ns), std::move(id)});
  }
  template <class A>
  [[nodiscard]] Handle<A> actor(std::string id) {
    return actor<A>(std::string(kDefaultNamespace), std::move(id));
  }
  // `invalid_argument` also for an idempotency key: a session has its own.
  Task<Bytes> call_raw(ActorRef actor, std::string method, Bytes arguments,
                       CallOptions options) override;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace kelpie
