#include "sim/messages/account_actor.h"

#include <utility>

#include "actor/inbox.h"
#include "actor/method_call.h"
#include "actor/reminder.h"
#include "async/sleep.h"
#include "codec/tuple.h"
#include "store/chunked.h"
#include "store/keys.h"

namespace kelpie::sim {
namespace {

// Messages that their recipient fails to take: some of them so often that they are parked.
constexpr uint64_t kRefusedOneIn = 5;

}  // namespace

actor::ActorRef account_ref(const std::string& id) {
  return {std::string(kAccountType), std::string(kAccountNamespace), id};
}

actor::MethodKind account_method_kind(std::string_view method) {
  return method == "log" ? actor::MethodKind::kReadOnly : actor::MethodKind::kTurn;
}

Bytes AccountRequest::encode() const {
  codec::TuplePacker packer;
  packer.string(id).integer(amount).integer(delay_ns);
  for (const std::string& peer : peers) {
    packer.string(peer);
  }
  return std::move(packer).take();
}

Result<AccountRequest> AccountRequest::decode(ByteView bytes) {
  auto elements = TRY(codec::unpack_tuple(bytes));
  if (elements.size() < 3 || !elements[0].is_string() || !elements[1].is_integer() ||
      !elements[2].is_integer()) {
    return base::invalid_argument("an account was asked in an unknown form");
  }
  AccountRequest request{elements[0].bytes, elements[1].number, elements[2].number, {}};
  for (size_t at = 3; at < elements.size(); ++at) {
    request.peers.push_back(elements[at].bytes);
  }
  return request;
}

class AccountActor::Inside {
 public:
  explicit Inside(AccountActor& actor) : actor_(actor) {
    if (std::exchange(actor.inside_, true)) {
      actor.overlapped_(actor.services_.self.to_string());
    }
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() { actor_.inside_ = false; }

 private:
  AccountActor& actor_;
};

AccountActor::AccountActor(actor::ActorServices services, Overlapped overlapped)
    : services_(std::move(services)),
      overlapped_(std::move(overlapped)),
      rng_(services_.world.rng.fork("account/" + services_.self.id)) {}

Task<void> AccountActor::activate(store::Transaction& transaction) {
  const auto stored =
      co_await store::get_chunked(transaction, store::keys::actor_state(services_.self.name()));
  committed_ = stored ? co_await AccountLog::decode(*stored) : AccountLog();
  co_return kOk;
}

Result<Bytes> AccountActor::read(const actor::Invocation& what) const {
  if (what.method != "log") {
    return base::not_found("an account has no method " + what.method + " to read by");
  }
  return committed_.encode();
}

Task<Bytes> AccountActor::invoke(actor::Turn& turn, std::shared_ptr<const actor::Invocation> what) {
  const Inside inside(*this);
  AccountRequest request = co_await AccountRequest::decode(what->arguments);
  if (what->method == "chain") {
    co_await chain(turn, std::move(request));
    turn.read_only();
    co_return Bytes();
  }
  AccountLog log = committed_;
  co_await act(turn, what->method, std::move(request), log);
  const int64_t balance = log.balance();
  co_await put(turn, std::move(log));
  co_return std::to_string(balance);
}

Task<void> AccountActor::act(actor::Turn& turn, std::string method, AccountRequest request,
                             AccountLog& log) {
  const std::string peer = request.peers.empty() ? "" : request.peers.front();
  const auto enter = [&log, &request, &peer](AccountEvent event) {
    log.entries.push_back({event, request.id, peer, request.amount, 0});
  };
  if (method == "deposit") {
    enter(AccountEvent::kDeposited);
  } else if (method == "send") {
    enter(AccountEvent::kSent);
    const AccountRequest message{request.id, request.amount, 0, {services_.self.id}};
    co_await actor::send(turn, account_ref(peer), {"receive", message.encode()});
  } else if (method == "receive") {
    if (rng_.next() % kRefusedOneIn == 0) {
      co_return base::failed_precondition("this account is closed today");
    }
    enter(AccountEvent::kReceived);
  } else if (method == "pay") {
    enter(AccountEvent::kPaid);
    const AccountRequest call{request.id, request.amount, 0, {services_.self.id}};
    static_cast<void>(
        co_await actor::call_from_turn(turn, account_ref(peer), {"credit", call.encode()}));
  } else if (method == "credit") {
    enter(AccountEvent::kCredited);
  } else if (method == "arm") {
    co_await arm(turn, std::move(request), log);
  } else if (method == "fire") {
    // By the clock that decided; a later look at it may find it set back.
    log.entries.push_back({AccountEvent::kFired, request.id, "", 0, turn.now().nanos()});
  } else if (method == "cancel") {
    static_cast<void>(co_await actor::cancel_reminder(turn, peer));
    enter(AccountEvent::kCancelled);
  } else {
    co_return base::not_found("an account has no method " + method);
  }
  co_return kOk;
}

Task<void> AccountActor::arm(actor::Turn& turn, AccountRequest request, AccountLog& log) {
  const WallTime due = turn.now() + Duration::nanos(request.delay_ns);
  const AccountRequest fire{request.id, 0, 0, {}};
  log.entries.push_back({AccountEvent::kArmed, request.id, "", 0, due.nanos()});
  co_return co_await actor::set_reminder(
      turn, {.name = request.id, .due = due, .what = {"fire", fire.encode()}})
      .result();
}

Task<void> AccountActor::chain(actor::Turn& turn, AccountRequest request) {
  co_await async::yield(services_.world.loop);
  if (request.peers.empty()) {
    co_return kOk;
  }
  const std::string next = request.peers.front();
  request.peers.erase(request.peers.begin());
  static_cast<void>(
      co_await actor::call_from_turn(turn, account_ref(next), {"chain", request.encode()}));
  co_return kOk;
}

Task<void> AccountActor::put(actor::Turn& turn, AccountLog log) {
  co_await store::set_chunked(turn.transaction(), store::keys::actor_state(services_.self.name()),
                              log.encode());
  turn.after_commit([this, log = std::move(log)]() mutable { committed_ = std::move(log); });
  co_return kOk;
}

}  // namespace kelpie::sim
