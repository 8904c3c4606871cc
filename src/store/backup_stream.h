// BackupStream: a backup of one snapshot, piece by piece, and a restored store's way back.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "async/loop.h"
#include "async/task.h"
#include "base/time.h"
#include "store/backend.h"
#include "store/backup_format.h"

namespace kelpie::store {

// About how many bytes of rows are read, held and sent at a time.
inline constexpr size_t kBackupBlockBytes = size_t{256} * 1024;

struct BackupOrigin {
  std::string engine;
  std::string kelpie_version;
  WallTime now;
};

// One Loop. Reads a block only when it is asked for one, and lets other work of the loop run before
// each: however large the store is, and however slow the reader, it holds one block and the
// snapshot.
class BackupStream {
 public:
  BackupStream(Loop& loop, std::shared_ptr<const Snapshot> snapshot, BackupOrigin origin);

  // The next piece of the file, never empty; nullopt after the last. Errors are those of the
  // snapshot, and end the stream.
  Task<std::optional<Bytes>> next();
  // Of what was given out so far.
  [[nodiscard]] const RowsSum& sum() const { return encoder_.sum(); }

 private:
  Task<Bytes> begin();

  Loop& loop_;
  std::shared_ptr<const Snapshot> snapshot_;
  BackupOrigin origin_;
  BackupEncoder encoder_;
  enum class Stage : uint8_t { kBegin, kRows, kEnd, kOver } stage_ = Stage::kBegin;
  KeyRange rest_;
};

// What all rows of the snapshot add up to, for comparing a restored store with its backup.
Task<RowsSum> sum_rows(Loop& loop, std::shared_ptr<const Snapshot> snapshot);

// Writes a backup's rows into an engine that nobody else uses, and is empty. One Loop; the engine
// outlives it.
//
// Every version is above the backup's, by as much as a start would add: a versionstamp that the
// restored store gives out is greater than any that is in the data.
class BackupRestorer {
 public:
  BackupRestorer(Loop& loop, Backend& backend, const BackupHeader& header);

  // Rows that were not written yet. Errors as Backend::apply.
  Task<void> write(std::vector<KeyValue> rows);
  // After the last rows: reads everything back, `data_loss` if it does not add up to `expected`.
  Task<void> verify(RowsSum expected);
  // Then: makes it a store of its own, with this incarnation's id, that remembers where it is from.
  Task<void> finish(std::string id, WallTime now);

 private:
  Task<void> apply(std::vector<Mutation> mutations);

  Loop& loop_;
  Backend& backend_;
  BackupHeader header_;
  Version next_;
};

}  // namespace kelpie::store
