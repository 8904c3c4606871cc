// The verbs `backup` and `restore`.
#pragma once

#include <string>

#include "app/config.h"
#include "app/server_call.h"
#include "base/result.h"

namespace kelpie::app {

struct BackupRequest {
  std::string directory;  // missing or empty
  ServerPlace server;
};

// Asks the running server for a backup and keeps it. What does not arrive whole and sound never
// gets a backup's name. Prints what it has. Blocks.
Result<void> run_backup(const BackupRequest& request);

struct RestoreRequest {
  std::string directory;  // of a backup
  StoreConfig store;      // an embedded one, whose directory is missing or empty
};

// Checks the whole backup, writes it into a new store, reads that back, and only then gives it the
// place where `serve` looks. Prints what it did. Blocks. Errors:
//   failed_precondition  the target holds something, another process has it, it cannot be restored
//                        into; the backup's format or schema is newer than this binary's
//   data_loss            the backup is damaged, or what was read back is not what was written
Result<void> run_restore(const RestoreRequest& request, const std::string& version);

// Where a server that was told to listen there is reached from the same machine.
std::string url_of(const world::Address& listen);

}  // namespace kelpie::app
