#include "actor/session.h"

#include <algorithm>
#include <utility>

#include "actor/runtime.h"
#include "async/select.h"
#include "async/sleep.h"
#include "base/check.h"
#include "base/limits.h"

namespace kelpie::actor {
namespace {

constexpr Duration kFirstPause = Duration::millis(10);
constexpr Duration kPauseMax = Duration::seconds(1);

}  // namespace

bool RetryPlan::again(const Error& error, Instant now) {
  undecided_ = undecided_ || error.code == Code::kUnknown;
  if (error.code != Code::kUnknown && error.code != Code::kUnavailable &&
      error.code != Code::kAborted) {
    return false;
  }
  pause_ = pause_ == Duration() ? kFirstPause : std::min(pause_ * 2, kPauseMax);
  return now + pause_ < deadline_;
}

Error RetryPlan::verdict(Error error) const {
  // Only what the method itself says comes after the earlier attempts have been settled. Other
  // codes may come from the way to it.
  const bool tells = error.code == Code::kInvalidArgument || error.code == Code::kNotFound ||
                     error.code == Code::kAlreadyExists || error.code == Code::kOutOfRange ||
                     error.code == Code::kPermissionDenied;
  if (!undecided_ || tells) {
    return error;
  }
  return base::unknown("an attempt at the call stayed undecided, and the last one ended with " +
                       error.to_string());
}

// Who calls one actor: one at a time, and it goes with the last.
struct Session::Lane {
  explicit Lane(Loop& loop) : turn(loop, 1) {}
  async::Semaphore turn;
  size_t users = 0;
};

class Session::Place {
 public:
  Place(Session& session, const ActorRef& actor) : session_(session), actor_(actor) {
    std::unique_ptr<Lane>& lane = session_.lanes_[actor];
    if (!lane) {
      lane = std::make_unique<Lane>(session_.runtime_.world().loop);
    }
    lane_ = lane.get();
    ++lane_->users;
  }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;
  ~Place() {
    permit_.release();
    if (--lane_->users == 0) {
      session_.lanes_.erase(actor_);
    }
  }
  Task<void> turn() {
    permit_ = co_await lane_->turn.acquire();
    co_return kOk;
  }

 private:
  Session& session_;
  const ActorRef actor_;
  Lane* lane_ = nullptr;
  async::Semaphore::Permit permit_;
};

Session::Session(Runtime& runtime) : runtime_(runtime) {
  world::Rng& rng = runtime.world().rng;
  key_ = "session/" + rng.fork("actor/session/" + std::to_string(rng.next())).uuid();
}

Session::~Session() { CHECK(lanes_.empty()); }

Task<Bytes> Session::invoke(ActorRef actor, Invocation what, CallOptions options) {
  Loop& loop = runtime_.world().loop;
  const Instant now = loop.now();
  if (!options.deadline) {
    options.deadline = now + kDefaultDeadline;
  }
  if (options.once || *options.deadline > now + base::kOnceKeptFor) {
    co_return base::invalid_argument(
        "a session's calls have its own key, and a deadline of at most " +
        std::to_string(base::kOnceKeptFor.seconds()) + " s");
  }
  Place place(*this, actor);
  auto begun = co_await async::timeout(loop, *options.deadline - now, place.turn()).result();
  if (!begun.ok()) {
    co_return base::deadline_exceeded("the session's earlier calls to " + actor.to_string() +
                                      " did not end before the deadline");
  }
  co_return co_await try_until(std::move(actor), std::move(what), std::move(options)).result();
}

Task<Bytes> Session::try_until(ActorRef actor, Invocation what, CallOptions options) {
  Loop& loop = runtime_.world().loop;
  options.once = Once{key_, ++last_number_};
  RetryPlan plan(*options.deadline);
  for (;;) {
    auto answered = co_await runtime_.invoke(actor, what, options).result();
    if (answered.ok()) {
      co_return std::move(answered);
    }
    if (!plan.again(answered.error(), loop.now())) {
      co_return plan.verdict(std::move(answered).error());
    }
    co_await async::sleep_for(loop, plan.pause());
  }
}

}  // namespace kelpie::actor
