// What must be right about a RocksDB directory before and while it is open.
// Internal to the rocksdb engine.
#pragma once

#include <rocksdb/file_system.h>
#include <rocksdb/status.h>

#include <optional>
#include <string>

#include "base/result.h"

namespace kelpie::store {

// Makes the directory and its parents and syncs their entries: RocksDB syncs only what is inside,
// and a power loss would take a new directory with everything acknowledged in it. Refuses a
// directory with files that are not RocksDB's.
Result<void> prepare_directory(rocksdb::FileSystem& files, const std::string& directory);

// What must happen between two processes' use of the directory, under RocksDB's own lock:
//   - data_loss if a write-ahead log is damaged before its last batch (log_check.h). RocksDB alone
//     would drop everything behind the damage without a word.
//   - a MANIFEST whose last record is torn is cut there. RocksDB opens one that was cut by a power
//     loss, but not one whose tail is garbled. If the record had been acted on, what it replaced is
//     gone, and RocksDB says so: it verifies its tables, and the logs (options in
//     rocksdb_store.cc).
Result<void> check_and_mend(rocksdb::FileSystem& files, const std::string& directory);

// If a lock failed because another process has the directory: an error that names it.
std::optional<Error> held_error(const rocksdb::Status& status, const std::string& directory);
// Writes this process's number beside the lock, for the message above. Best effort.
void note_holder(const std::string& directory);

}  // namespace kelpie::store
