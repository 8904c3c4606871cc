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

// data_loss if a write-ahead log is damaged before its last batch (log_check.h). RocksDB alone
// would drop everything behind the damage without a word.
Result<void> check_logs(rocksdb::FileSystem& files, const std::string& directory);

// If the open failed because another process has the directory: an error that names it.
std::optional<Error> held_error(const rocksdb::Status& status, const std::string& directory);
// Writes this process's number beside the lock, for the message above. Best effort.
void note_holder(const std::string& directory);

}  // namespace kelpie::store
