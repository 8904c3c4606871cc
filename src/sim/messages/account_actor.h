// AccountActor: an actor that takes deposits, sends and pays money to others, and is reminded.
// Small enough to be judged, and it uses all that the runtime has: state, messages, calls,
// reminders.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "actor/actor.h"
#include "async/task.h"
#include "sim/messages/account_log.h"
#include "world/rng.h"

namespace kelpie::sim {

inline constexpr std::string_view kAccountType = "account";
inline constexpr std::string_view kAccountNamespace = "simulated";

actor::ActorRef account_ref(const std::string& id);
actor::MethodKind account_method_kind(std::string_view method);

// What methods are given, in the order of these members.
struct AccountRequest {
  std::string id;  // of the client's operation
  int64_t amount = 0;
  int64_t delay_ns = 0;
  std::vector<std::string> peers;

  [[nodiscard]] Bytes encode() const;
  static Result<AccountRequest> decode(ByteView bytes);
};

class AccountActor final : public actor::MethodActor {
 public:
  // `overlapped` hears of a turn that began before another had ended.
  using Overlapped = std::function<void(const std::string& actor)>;
  AccountActor(actor::ActorServices services, Overlapped overlapped);

  Task<void> activate(store::Transaction& transaction) override;
  // deposit, send, receive, pay, credit, arm, fire, cancel, chain.
  Task<Bytes> invoke(actor::Turn& turn, std::shared_ptr<const actor::Invocation> what) override;
  // log.
  [[nodiscard]] Result<Bytes> read(const actor::Invocation& what) const override;

 private:
  class Inside;
  Task<void> act(actor::Turn& turn, std::string method, AccountRequest request, AccountLog& log);
  Task<void> arm(actor::Turn& turn, AccountRequest request, AccountLog& log);
  Task<void> chain(actor::Turn& turn, AccountRequest request);
  Task<void> put(actor::Turn& turn, AccountLog log);

  actor::ActorServices services_;
  Overlapped overlapped_;
  world::Rng rng_;
  AccountLog committed_;
  bool inside_ = false;
};

}  // namespace kelpie::sim
