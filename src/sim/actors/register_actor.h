// RegisterActor: an actor that keeps one value, in the store and as a cache in memory, and answers
// reads from memory. What a real actor does, as small as can be.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "actor/actor.h"
#include "async/task.h"
#include "base/bytes.h"

namespace kelpie::sim {

inline constexpr std::string_view kRegisterType = "register";
inline constexpr std::string_view kRegisterNamespace = "simulated";

class RegisterActor final : public actor::Actor {
 public:
  // `overlapped` hears of a turn that began before another had ended.
  using Overlapped = std::function<void(const std::string& actor)>;
  RegisterActor(actor::ActorServices services, Overlapped overlapped);

  Task<void> activate(store::Transaction& transaction) override;

  Task<std::optional<Bytes>> read(actor::Turn& turn);
  Task<void> write(actor::Turn& turn, Bytes value);
  // Whether the value was the expected one, and so is replaced.
  Task<bool> compare_and_set(actor::Turn& turn, std::optional<Bytes> expected, Bytes value);

 private:
  class Inside;
  void put(actor::Turn& turn, Bytes value);

  actor::ActorServices services_;
  Overlapped overlapped_;
  Bytes key_;
  std::optional<Bytes> value_;
  bool inside_ = false;
};

}  // namespace kelpie::sim
