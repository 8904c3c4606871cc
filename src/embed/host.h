// Host: a typed actor as the runtime knows actors: keeps the committed state in memory, gives each
// turn a copy, and writes it with the turn.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "actor/actor.h"
#include "base/result.h"
#include "kelpie/actor.h"

namespace kelpie::detail {

// A type with its methods by name. Shared by its actors.
class HostedType {
 public:
  // CHECKs that names are there, not too long, and each given once.
  explicit HostedType(ActorType type);
  HostedType(const HostedType&) = delete;
  HostedType& operator=(const HostedType&) = delete;
  [[nodiscard]] const ActorType& type() const { return type_; }
  // Null: there is none.
  [[nodiscard]] const Method* find(std::string_view name) const;
  [[nodiscard]] std::string names() const;  // for errors

 private:
  ActorType type_;
  std::map<std::string_view, const Method*> methods_;
};

// `{"schema":N,"state":…}`. invalid_argument if it is too large or cannot be written.
Result<Bytes> encode_state(const StateType& type, const void* state);
// failed_precondition for a schema above the type's, data_loss for what does not read.
Result<std::shared_ptr<void>> decode_state(const StateType& type, ByteView bytes);

class Host final : public actor::MethodActor {
 public:
  Host(std::shared_ptr<const HostedType> type, ActorRef self);

  Task<void> activate(store::Transaction& transaction) override;
  void deactivate() override { object_->deactivated(); }
  Task<Bytes> invoke(actor::Turn& turn, std::shared_ptr<const actor::Invocation> what) override;
  [[nodiscard]] Result<Bytes> read(const actor::Invocation& what) const override;

 private:
  [[nodiscard]] Error no_method(const std::string& name) const;
  // Writes what the turn has changed.
  Task<void> finish(actor::Turn& turn, std::shared_ptr<Context> context);

  const std::shared_ptr<const HostedType> type_;
  const ActorRef self_;
  std::unique_ptr<ActorBase> object_;
  std::shared_ptr<const void> committed_;
  // Of the turn that runs: for calls that come back into it.
  std::shared_ptr<Context> running_;
};

}  // namespace kelpie::detail
