// What an activation has only while there is work for it.
#pragma once

#include <deque>
#include <memory>
#include <utility>

#include "actor/activation.h"
#include "actor/pending_turn.h"

namespace kelpie::actor {

struct Activation::Busy {
  explicit Busy(ActorRef of) : self(std::move(of)) {}
  const ActorRef self;
  std::deque<std::shared_ptr<PendingTurn>> mailbox;
  RunningTurn* running = nullptr;
};

}  // namespace kelpie::actor
