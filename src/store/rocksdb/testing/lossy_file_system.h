// LossyFileSystem: a disk that loses power. Test support.
//
// It passes everything on to a real directory and notes what a power loss may take: the bytes of
// each file since its last sync, and the creations, renames and deletions in each directory since
// that directory's last sync. `crash` then takes some of it: what was not synced is dropped, torn,
// garbled or, now and then, kept. Nothing is really synced, so tests are fast.
#pragma once

#include <rocksdb/file_system.h>

#include <cstdint>
#include <limits>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "world/rng.h"

namespace kelpie::store::testing {

// Any thread. Directories themselves are taken as durable; the log that RocksDB writes for people
// is not tracked.
class LossyFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  using IOStatus = rocksdb::IOStatus;

  // `trash` is a directory of its own, on the same real file system, for what a crash may bring
  // back.
  explicit LossyFileSystem(std::string trash);

  // From now on every change fails with an I/O error.
  void cut_power();
  // The same, after so many more changes (appends, syncs, creations, renames, deletions).
  void cut_power_after(uint64_t changes);
  [[nodiscard]] bool power_is_cut() const;
  void restore_power();
  // What GetFreeSpace answers.
  void set_free_bytes(uint64_t bytes);

  struct Losses {
    int files_dropped = 0;
    int files_torn = 0;
    int files_garbled = 0;
    int files_kept = 0;
    int entries_undone = 0;
  };
  // With every file closed and the power cut: changes the real directory to what a power loss could
  // have left of it, and restores the power.
  Losses crash(world::Rng& rng);

  [[nodiscard]] const char* Name() const override { return "LossyFileSystem"; }
  IOStatus NewWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                           std::unique_ptr<rocksdb::FSWritableFile>* file,
                           rocksdb::IODebugContext* debug) override;
  IOStatus ReopenWritableFile(const std::string& path, const rocksdb::FileOptions& options,
                              std::unique_ptr<rocksdb::FSWritableFile>* file,
                              rocksdb::IODebugContext* debug) override;
  IOStatus NewDirectory(const std::string& path, const rocksdb::IOOptions& options,
                        std::unique_ptr<rocksdb::FSDirectory>* directory,
                        rocksdb::IODebugContext* debug) override;
  IOStatus DeleteFile(const std::string& path, const rocksdb::IOOptions& options,
                      rocksdb::IODebugContext* debug) override;
  IOStatus RenameFile(const std::string& from, const std::string& to,
                      const rocksdb::IOOptions& options, rocksdb::IODebugContext* debug) override;
  IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options, uint64_t* bytes,
                        rocksdb::IODebugContext* debug) override;

 private:
  friend class LossyFile;
  friend class LossyDirectory;

  struct FileState {
    uint64_t size = 0;
    uint64_t synced = 0;
  };
  struct EntryChange {
    enum class Kind : uint8_t { kCreate, kRename, kDelete };
    Kind kind;
    std::string path;   // afterwards, for kRename
    std::string from;   // of kRename
    std::string saved;  // in the trash: what was there before, if anything was
    FileState saved_state;
  };

  // Counts one change; the error if there is no power for it.
  IOStatus spend_change();
  void appended(const std::string& path, uint64_t bytes);
  void truncated(const std::string& path, uint64_t size);
  void synced(const std::string& path);
  void directory_synced(const std::string& directory);
  // Moves what is at `path` into the trash; empty if nothing is there.
  std::string save(const std::string& path);
  void undo(const EntryChange& change);
  void lose_bytes(const std::string& path, FileState& state, world::Rng& rng, Losses& losses);

  const std::string trash_;
  mutable std::mutex mutex_;
  uint64_t changes_left_ = std::numeric_limits<uint64_t>::max();
  std::optional<uint64_t> free_bytes_;
  uint64_t last_saved_ = 0;
  std::map<std::string, FileState> files_;
  std::map<std::string, std::list<EntryChange>> changes_;  // by directory, oldest first
};

}  // namespace kelpie::store::testing
