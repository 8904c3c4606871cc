#include "store/exactly_once.h"

#include "async/sleep.h"
#include "store/keys.h"
#include "world/faults.h"

namespace kelpie::store {
namespace {

constexpr int kSettleAttemptsMax = 20;
constexpr Duration kPauseFirst = Duration::millis(1);

// One attempt: the head as it was before the point after which the original can no longer land.
Task<std::optional<Bytes>> close_off(World& world, Transaction& transaction, Undecided undecided) {
  std::optional<Bytes> head = co_await transaction.get(undecided.head);
  if (world.faults.mutant("M34")) {
    if (head) {
      transaction.set(undecided.head, *head);
    } else {
      transaction.clear(undecided.head);
    }
  } else {
    transaction.add_write_conflict(KeyRange::single(keys::guard(undecided.nonce)));
  }
  co_await transaction.commit();
  co_return std::move(head);
}

}  // namespace

Bytes fresh_nonce(world::Rng& rng) {
  constexpr size_t kWordBytes = sizeof(uint64_t);
  static_assert(kNonceBytes % kWordBytes == 0);
  Bytes nonce(kNonceBytes, '\0');
  for (size_t start = 0; start < kNonceBytes; start += kWordBytes) {
    uint64_t word = rng.next();
    for (size_t i = start; i < start + kWordBytes; ++i, word >>= 8) {
      nonce[i] = static_cast<char>(word & 0xff);
    }
  }
  return nonce;
}

ShowsCommit shows_nonce(Bytes nonce) {
  return [nonce = std::move(nonce)](const std::optional<Bytes>& head) -> Result<bool> {
    return head == nonce;
  };
}

void guard_commit(Transaction& transaction, const Bytes& nonce) {
  transaction.add_read_conflict(KeyRange::single(keys::guard(nonce)));
}

Task<bool> settle(World& world, Database& database, Undecided undecided, ShowsCommit shows) {
  if (world.faults.mutant("M9")) {
    co_return false;
  }
  if (world.faults.buggify("store.settle.give_up")) {
    co_return base::unknown("the commit stays undecided: nobody looked");
  }
  std::unique_ptr<Transaction> transaction = database.begin();
  for (int attempt = 1;; ++attempt) {
    world.faults.sometimes("store.settle.again", attempt > 1);
    const auto head = co_await close_off(world, *transaction, undecided).result();
    Result<bool> happened = head.ok() ? shows(*head) : head.error();
    if (happened.ok()) {
      co_return std::move(happened);
    }
    auto again = Result<void>(kOk);
    if (happened.error().code == Code::kUnknown) {
      // An attempt that is itself undecided proves nothing, and is simply made again.
      transaction = database.begin();
      co_await async::sleep_for(world.loop, kPauseFirst * attempt);
    } else {
      again = co_await transaction->on_error(happened.error()).result();
    }
    if (!again.ok() || attempt == kSettleAttemptsMax) {
      // Whatever kept us from looking, the commit is what it was: undecided.
      co_return base::unknown("the commit stays undecided: " + happened.error().message);
    }
  }
}

}  // namespace kelpie::store
