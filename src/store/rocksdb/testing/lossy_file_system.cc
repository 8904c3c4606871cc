#include "store/rocksdb/testing/lossy_file_system.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <system_error>
#include <utility>

#include "base/check.h"

#if __has_feature(address_sanitizer)
// RocksDB 7.8 forgets the memory table that it was about to switch to when the log fails under it.
extern "C" const char* __lsan_default_suppressions() {
  return "leak:rocksdb::DBImpl::SwitchMemtable\n";
}
#endif

namespace kelpie::store::testing {
namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

std::string directory_of(const std::string& path) {
  return std::filesystem::path(path).parent_path().string();
}

// One spelling for each path, so that what was noted is found again.
std::string normal(const std::string& path) {
  std::string text = std::filesystem::path(path).lexically_normal().string();
  while (text.size() > 1 && text.back() == '/') {
    text.pop_back();
  }
  return text;
}

}  // namespace

// A file that reports its appends and syncs.
class LossyFile final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  LossyFile(std::unique_ptr<rocksdb::FSWritableFile> target, LossyFileSystem& files,
            std::string path)
      : FSWritableFileOwnerWrapper(std::move(target)), files_(files), path_(std::move(path)) {}

  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  IODebugContext* debug) override {
    IOStatus status = files_.spend_change();
    if (!status.ok()) {
      // The write was on its way: some of it may have reached the page cache.
      const rocksdb::Slice part(data.data(), data.size() / 2);
      if (FSWritableFileWrapper::Append(part, options, debug).ok()) {
        files_.appended(path_, part.size());
      }
      return status;
    }
    status = FSWritableFileWrapper::Append(data, options, debug);
    if (status.ok()) {
      files_.appended(path_, data.size());
    }
    return status;
  }
  IOStatus Append(const rocksdb::Slice& data, const IOOptions& options,
                  const rocksdb::DataVerificationInfo&, IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus PositionedAppend(const rocksdb::Slice&, uint64_t, const IOOptions&,
                            IODebugContext*) override {
    return IOStatus::NotSupported("PositionedAppend");
  }
  IOStatus PositionedAppend(const rocksdb::Slice&, uint64_t, const IOOptions&,
                            const rocksdb::DataVerificationInfo&, IODebugContext*) override {
    return IOStatus::NotSupported("PositionedAppend");
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    IOStatus status = FSWritableFileWrapper::Truncate(size, options, debug);
    if (status.ok()) {
      files_.truncated(path_, size);
    }
    return status;
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return sync(); }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return sync(); }
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();  // promises nothing about sizes and directories
  }

 private:
  IOStatus sync() {
    IOStatus status = files_.spend_change();
    if (status.ok()) {
      files_.synced(path_);
    }
    return status;
  }
  LossyFileSystem& files_;
  std::string path_;
};

class LossyDirectory final : public rocksdb::FSDirectoryWrapper {
 public:
  LossyDirectory(std::unique_ptr<rocksdb::FSDirectory> target, LossyFileSystem& files,
                 std::string path)
      : FSDirectoryWrapper(std::move(target)), files_(files), path_(std::move(path)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return sync(); }
  IOStatus FsyncWithDirOptions(const IOOptions&, IODebugContext*,
                               const rocksdb::DirFsyncOptions&) override {
    return sync();
  }

 private:
  IOStatus sync() {
    IOStatus status = files_.spend_change();
    if (status.ok()) {
      files_.directory_synced(path_);
    }
    return status;
  }
  LossyFileSystem& files_;
  std::string path_;
};

LossyFileSystem::LossyFileSystem(std::string trash)
    : FileSystemWrapper(rocksdb::FileSystem::Default()), trash_(std::move(trash)) {
  std::filesystem::create_directories(trash_);
}

void LossyFileSystem::cut_power() { cut_power_after(0); }

void LossyFileSystem::cut_power_after(uint64_t changes) {
  const std::lock_guard lock(mutex_);
  changes_left_ = changes;
}

bool LossyFileSystem::power_is_cut() const {
  const std::lock_guard lock(mutex_);
  return changes_left_ == 0;
}

void LossyFileSystem::restore_power() { cut_power_after(std::numeric_limits<uint64_t>::max()); }

void LossyFileSystem::set_free_bytes(uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  free_bytes_ = bytes;
}

IOStatus LossyFileSystem::NewWritableFile(const std::string& path,
                                          const rocksdb::FileOptions& options,
                                          std::unique_ptr<rocksdb::FSWritableFile>* file,
                                          IODebugContext* debug) {
  if (IOStatus status = spend_change(); !status.ok()) {
    return status;
  }
  const std::string name = normal(path);
  const std::lock_guard lock(mutex_);
  EntryChange change{EntryChange::Kind::kCreate, name, {}, save(name), files_[name]};
  std::unique_ptr<rocksdb::FSWritableFile> target;
  IOStatus status = FileSystemWrapper::NewWritableFile(path, options, &target, debug);
  if (status.ok()) {
    files_[name] = {};
    changes_[directory_of(name)].push_back(std::move(change));
    *file = std::make_unique<LossyFile>(std::move(target), *this, name);
  }
  return status;
}

IOStatus LossyFileSystem::ReopenWritableFile(const std::string& path,
                                             const rocksdb::FileOptions& options,
                                             std::unique_ptr<rocksdb::FSWritableFile>* file,
                                             IODebugContext* debug) {
  if (!std::filesystem::exists(path)) {
    return NewWritableFile(path, options, file, debug);
  }
  std::unique_ptr<rocksdb::FSWritableFile> target;
  IOStatus status = FileSystemWrapper::ReopenWritableFile(path, options, &target, debug);
  if (status.ok()) {
    *file = std::make_unique<LossyFile>(std::move(target), *this, normal(path));
  }
  return status;
}

IOStatus LossyFileSystem::NewDirectory(const std::string& path, const IOOptions& options,
                                       std::unique_ptr<rocksdb::FSDirectory>* directory,
                                       IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSDirectory> target;
  IOStatus status = FileSystemWrapper::NewDirectory(path, options, &target, debug);
  if (status.ok()) {
    *directory = std::make_unique<LossyDirectory>(std::move(target), *this, normal(path));
  }
  return status;
}

IOStatus LossyFileSystem::DeleteFile(const std::string& path, const IOOptions&, IODebugContext*) {
  if (IOStatus status = spend_change(); !status.ok()) {
    return status;
  }
  const std::string name = normal(path);
  const std::lock_guard lock(mutex_);
  EntryChange change{EntryChange::Kind::kDelete, name, {}, save(name), files_[name]};
  if (change.saved.empty()) {
    return IOStatus::PathNotFound(path);
  }
  files_.erase(name);
  changes_[directory_of(name)].push_back(std::move(change));
  return IOStatus::OK();
}

IOStatus LossyFileSystem::RenameFile(const std::string& from, const std::string& to,
                                     const IOOptions& options, IODebugContext* debug) {
  if (IOStatus status = spend_change(); !status.ok()) {
    return status;
  }
  const std::string source = normal(from);
  const std::string target = normal(to);
  CHECK(directory_of(source) == directory_of(target));
  const std::lock_guard lock(mutex_);
  EntryChange change{EntryChange::Kind::kRename, target, source, save(target), files_[target]};
  IOStatus status = FileSystemWrapper::RenameFile(from, to, options, debug);
  if (status.ok()) {
    const auto state = files_.find(source);
    files_[target] = state == files_.end() ? FileState() : state->second;
    files_.erase(source);
    changes_[directory_of(target)].push_back(std::move(change));
  }
  return status;
}

IOStatus LossyFileSystem::GetFreeSpace(const std::string& path, const IOOptions& options,
                                       uint64_t* bytes, IODebugContext* debug) {
  {
    const std::lock_guard lock(mutex_);
    if (free_bytes_) {
      *bytes = *free_bytes_;
      return IOStatus::OK();
    }
  }
  return FileSystemWrapper::GetFreeSpace(path, options, bytes, debug);
}

IOStatus LossyFileSystem::spend_change() {
  const std::lock_guard lock(mutex_);
  if (changes_left_ == 0) {
    return IOStatus::IOError("the power is cut");
  }
  --changes_left_;
  return IOStatus::OK();
}

void LossyFileSystem::appended(const std::string& path, uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  files_[path].size += bytes;
}

void LossyFileSystem::truncated(const std::string& path, uint64_t size) {
  const std::lock_guard lock(mutex_);
  FileState& state = files_[path];
  state.size = size;
  state.synced = std::min(state.synced, size);
}

void LossyFileSystem::synced(const std::string& path) {
  const std::lock_guard lock(mutex_);
  files_[path].synced = files_[path].size;
}

void LossyFileSystem::directory_synced(const std::string& directory) {
  const std::lock_guard lock(mutex_);
  for (const EntryChange& change : changes_[directory]) {
    if (!change.saved.empty()) {
      std::error_code ignored;
      std::filesystem::remove(change.saved, ignored);
    }
  }
  changes_.erase(directory);
}

std::string LossyFileSystem::save(const std::string& path) {
  if (!std::filesystem::exists(path)) {
    return {};
  }
  std::string saved = trash_ + "/" + std::to_string(++last_saved_);
  std::filesystem::rename(path, saved);
  return saved;
}

LossyFileSystem::Losses LossyFileSystem::crash(world::Rng& rng) {
  const std::lock_guard lock(mutex_);
  CHECK(changes_left_ == 0);
  Losses losses;
  for (auto& [directory, changes] : changes_) {
    // Journaling file systems keep a directory's changes in order, so what survives is a beginning.
    const uint64_t kept = rng.below(changes.size() + 1);
    while (changes.size() > kept) {
      undo(changes.back());
      ++losses.entries_undone;
      changes.pop_back();
    }
  }
  changes_.clear();
  for (auto& [path, state] : files_) {
    CHECK(state.synced <= state.size);
    if (state.synced < state.size && std::filesystem::exists(path)) {
      lose_bytes(path, state, rng, losses);
    }
    state.size = state.synced =
        std::filesystem::exists(path) ? std::filesystem::file_size(path) : 0;
  }
  changes_left_ = std::numeric_limits<uint64_t>::max();
  return losses;
}

void LossyFileSystem::undo(const EntryChange& change) {
  if (change.kind == EntryChange::Kind::kCreate) {
    std::filesystem::remove(change.path);
    files_.erase(change.path);
  } else if (change.kind == EntryChange::Kind::kRename) {
    std::filesystem::rename(change.path, change.from);
    files_[change.from] = files_[change.path];
    files_.erase(change.path);
  }
  if (!change.saved.empty()) {
    std::filesystem::rename(change.saved, change.path);
    files_[change.path] = change.saved_state;
  }
}

void LossyFileSystem::lose_bytes(const std::string& path, FileState& state, world::Rng& rng,
                                 Losses& losses) {
  const uint64_t unsynced = state.size - state.synced;
  switch (rng.below(4)) {
    case 0:
      std::filesystem::resize_file(path, state.synced);
      ++losses.files_dropped;
      return;
    case 1:
      std::filesystem::resize_file(path, state.synced + rng.below(unsynced));
      ++losses.files_torn;
      return;
    case 2: {
      std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
      const uint64_t from = state.synced + rng.below(unsynced);
      file.seekp(static_cast<std::streamoff>(from));
      for (uint64_t at = from; at < state.size; ++at) {
        file.put(static_cast<char>(rng.below(256)));
      }
      CHECK(file.good());
      ++losses.files_garbled;
      return;
    }
    default:
      ++losses.files_kept;
  }
}

}  // namespace kelpie::store::testing
