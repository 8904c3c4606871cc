// Exactly once: what to do about a commit whose outcome is not known.
//
// Each commit writes a fresh nonce into a head key, and carries a read conflict on a guard key of
// that nonce which nobody ever writes (keys.h). To settle an undecided commit, one transaction
// reads the head and adds a *write* conflict on the guard key. Once that has committed, the
// original either committed before it, and then the head that was read shows its nonce, or it comes
// after it, and then its read conflict refuses it: for good, however late it lands.
//
// Rewriting the head instead would not do: a commit that read nothing has no conflict on what it
// writes. Source: FoundationDB, developer guide, "Transactions with unknown results"; the guard key
// is this project's own.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "async/task.h"
#include "store/database.h"
#include "world/rng.h"
#include "world/world.h"

namespace kelpie::store {

inline constexpr size_t kNonceBytes = 16;

// Fresh for each commit: never the same twice, from any node.
Bytes fresh_nonce(world::Rng& rng);

// The undecided commit.
struct Undecided {
  Bytes head;   // the key
  Bytes nonce;  // that it would have written there
};
// Whether a head with this value (nullopt: no head) was written by the commit.
using ShowsCommit = std::function<Result<bool>(const std::optional<Bytes>& head)>;

// For a head whose value is the nonce and nothing else.
ShowsCommit shows_nonce(Bytes nonce);

// Adds to the transaction what lets its commit be settled afterwards. The head is written by the
// caller, in its own form.
void guard_commit(Transaction& transaction, const Bytes& nonce);

// Whether the commit happened. Once answered no, it never will. Nobody else may write the head in
// the meantime. Its only error is `unknown`: it could not find out, and nobody knows.
Task<bool> settle(World& world, Database& database, Undecided undecided, ShowsCommit shows);

inline constexpr int kExactlyOnceAttemptsMax = 20;
inline constexpr TransactionOptions kExactlyOnceOptions{.retries_max = kExactlyOnceAttemptsMax};

// Like `run`, and an undecided commit is settled instead of being handed back: `body` takes effect
// exactly once if this ends with ok, and not at all if it ends with an error other than `unknown`.
// `head` is a key of the caller's own, written by no other transaction at the same time; it holds
// the nonce. `body` as for `run`; it reads and writes nothing of the head.
template <class Body>
auto run_exactly_once(World& world, Database& database, world::Rng& nonces, Bytes head, Body body)
    -> std::invoke_result_t<Body&, Transaction&> {
  std::unique_ptr<Transaction> transaction = database.begin(kExactlyOnceOptions);
  for (int attempt = 1;; ++attempt) {
    const Bytes nonce = fresh_nonce(nonces);
    auto result = co_await body(*transaction).result();
    if (!result.ok()) {
      co_await transaction->on_error(std::move(result).error());
      continue;
    }
    transaction->set(head, nonce);
    guard_commit(*transaction, nonce);
    Result<Version> committed = co_await transaction->commit().result();
    if (committed.ok()) {
      co_return std::move(result);
    }
    if (committed.error().code != Code::kUnknown) {
      co_await transaction->on_error(std::move(committed).error());
      continue;
    }
    if (co_await settle(world, database, {head, nonce}, shows_nonce(nonce))) {
      co_return std::move(result);
    }
    if (attempt >= kExactlyOnceAttemptsMax) {
      co_return base::unavailable(
          "every attempt of a transaction was undecided and did not happen");
    }
    transaction = database.begin(kExactlyOnceOptions);
  }
}

}  // namespace kelpie::store
