#include "sim/actors/register_actor.h"

#include <utility>

#include "async/sleep.h"
#include "store/keys.h"

namespace kelpie::sim {

class RegisterActor::Inside {
 public:
  explicit Inside(RegisterActor& actor) : actor_(actor) {
    if (std::exchange(actor.inside_, true)) {
      actor.overlapped_(actor.services_.self.to_string());
    }
  }
  Inside(const Inside&) = delete;
  Inside& operator=(const Inside&) = delete;
  ~Inside() { actor_.inside_ = false; }

 private:
  RegisterActor& actor_;
};

RegisterActor::RegisterActor(actor::ActorServices services, Overlapped overlapped)
    : services_(std::move(services)),
      overlapped_(std::move(overlapped)),
      key_(store::keys::agent_block(services_.self.id, "value")) {}

Task<void> RegisterActor::activate(store::Transaction& transaction) {
  const Inside inside(*this);
  value_ = co_await transaction.get(key_);
  co_return kOk;
}

Task<std::optional<Bytes>> RegisterActor::read(actor::Turn& turn) {
  const Inside inside(*this);
  turn.read_only();
  co_return value_;
}

Task<void> RegisterActor::write(actor::Turn& turn, Bytes value) {
  const Inside inside(*this);
  co_await async::yield(services_.world.loop);
  put(turn, std::move(value));
  co_return kOk;
}

Task<bool> RegisterActor::compare_and_set(actor::Turn& turn, std::optional<Bytes> expected,
                                          Bytes value) {
  const Inside inside(*this);
  co_await async::yield(services_.world.loop);
  if (value_ != expected) {
    turn.read_only();
    co_return false;
  }
  put(turn, std::move(value));
  co_return true;
}

void RegisterActor::put(actor::Turn& turn, Bytes value) {
  turn.transaction().set(key_, value);
  turn.after_commit([this, value = std::move(value)]() mutable { value_ = std::move(value); });
}

}  // namespace kelpie::sim
