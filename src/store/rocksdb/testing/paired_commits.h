// PairedClient: a writer whose every commit can be recognised after a crash, whole, by half or
// lost. Test support.
#pragma once

#include <functional>

#include "async/task.h"
#include "store/database.h"

namespace kelpie::store::testing {

// It writes the rows left/<id>/<n> and right/<id>/<n>, of some size, in its n-th commit, which also
// clears those of the 50th commit before.
struct PairedClient {
  int id = 0;
  // Commits 1 to this one are acknowledged.
  int acknowledged = 0;

  [[nodiscard]] Bytes key(const char* side, int n) const;
  [[nodiscard]] Bytes value(int n) const;
};

// When the client is told. kEarly is what a wrong engine would do, to prove that it is found.
enum class Acknowledge : uint8_t { kAfterTheCommit, kEarly };
using OnAcknowledged = std::function<void(const PairedClient&)>;

// One commit after the other, until one fails. What it is given outlives the task.
Task<void> commit_until_it_fails(Database& database, PairedClient& client,
                                 const OnAcknowledged& acknowledged,
                                 Acknowledge when = Acknowledge::kAfterTheCommit);

// After a crash: ends with an error that says which commit is lost, there by half, or another
// one's; sets `acknowledged` to what was found, which may be one more.
Task<void> verify(Database& database, PairedClient& client);

}  // namespace kelpie::store::testing
