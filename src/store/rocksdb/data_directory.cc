#include "store/rocksdb/data_directory.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "store/rocksdb/log_check.h"
#include "store/rocksdb/rocksdb_store.h"

namespace kelpie::store {
namespace {

constexpr std::string_view kHolderFile = "HOLDER";

// What RocksDB may have left in a directory that it did not finish creating, and our own file.
bool is_engine_file(std::string_view name) {
  constexpr std::array<std::string_view, 8> kBeginnings = {
      "MANIFEST-", "OPTIONS-", "LOG", "LOCK", "IDENTITY", "CURRENT", "HOLDER", "archive"};
  constexpr std::array<std::string_view, 3> kEndings = {".dbtmp", ".log", ".sst"};
  return std::ranges::any_of(kBeginnings, [&](auto part) { return name.starts_with(part); }) ||
         std::ranges::any_of(kEndings, [&](auto part) { return name.ends_with(part); });
}

std::string parent_of(const std::string& path) {
  const size_t slash = path.find_last_of('/');
  if (slash == std::string::npos) {
    return ".";
  }
  return slash == 0 ? "/" : path.substr(0, slash);
}

// A path without trailing slashes, so that its parent is above it.
std::string trimmed(std::string path) {
  while (path.size() > 1 && path.back() == '/') {
    path.pop_back();
  }
  return path;
}

Result<void> make_directory(rocksdb::FileSystem& files, const std::string& directory) {
  const rocksdb::IOOptions options;
  if (files.FileExists(directory, options, nullptr).ok()) {
    return kOk;
  }
  const std::string parent = parent_of(directory);
  TRY(make_directory(files, parent));
  rocksdb::IOStatus status = files.CreateDirIfMissing(directory, options, nullptr);
  std::unique_ptr<rocksdb::FSDirectory> handle;
  if (status.ok()) {
    status = files.NewDirectory(parent, options, &handle, nullptr);
  }
  if (status.ok()) {
    status = handle->Fsync(options, nullptr);
  }
  if (!status.ok()) {
    return rocksdb_error(status, "making the directory " + directory);
  }
  return kOk;
}

Result<void> check_logs(rocksdb::FileSystem& files, const std::string& directory) {
  std::vector<std::string> names;
  const rocksdb::IOStatus status =
      files.GetChildren(directory, rocksdb::IOOptions(), &names, nullptr);
  if (!status.ok()) {
    return rocksdb_error(status, "listing the directory " + directory);
  }
  for (const std::string& name : names) {
    if (!name.ends_with(".log")) {
      continue;
    }
    std::string bytes;
    const rocksdb::IOStatus read =
        rocksdb::ReadFileToString(&files, directory + "/" + name, &bytes);
    if (!read.ok()) {
      return rocksdb_error(read, "reading the log " + name);
    }
    if (const auto damage = damage_before_a_batch(bytes)) {
      return base::data_loss("the store in " + directory + " is damaged: log " + name +
                             " at offset " + std::to_string(*damage) +
                             "; copy the directory away before you try to repair it");
    }
  }
  return kOk;
}

rocksdb::IOStatus cut_file(rocksdb::FileSystem& files, const std::string& path, size_t size) {
  const rocksdb::IOOptions options;
  std::unique_ptr<rocksdb::FSWritableFile> file;
  rocksdb::IOStatus status = files.ReopenWritableFile(path, {}, &file, nullptr);
  if (status.ok()) {
    status = file->Truncate(size, options, nullptr);
  }
  if (status.ok()) {
    status = file->Sync(options, nullptr);
  }
  return status.ok() ? file->Close(options, nullptr) : status;
}

Result<void> mend_manifest(rocksdb::FileSystem& files, const std::string& directory) {
  std::string name;
  if (!rocksdb::ReadFileToString(&files, directory + "/CURRENT", &name).ok()) {
    return kOk;  // a new store; or RocksDB will say what is wrong
  }
  while (!name.empty() && name.back() == '\n') {
    name.pop_back();
  }
  const std::string path = directory + "/" + name;
  std::string bytes;
  if (!rocksdb::ReadFileToString(&files, path, &bytes).ok()) {
    return kOk;
  }
  if (const auto torn = torn_tail(bytes)) {
    // Kept for whoever has to look at it; RocksDB ignores the name. Best effort.
    (void)rocksdb::WriteStringToFile(&files, bytes.substr(*torn), path + ".torn");
    const rocksdb::IOStatus cut = cut_file(files, path, *torn);
    if (!cut.ok()) {
      return rocksdb_error(cut, "cutting the torn end of " + path);
    }
  }
  return kOk;
}

}  // namespace

Result<void> prepare_directory(rocksdb::FileSystem& files, const std::string& directory) {
  const std::string path = trimmed(directory);
  if (path.empty()) {
    return base::invalid_argument("the data directory has an empty name");
  }
  TRY(make_directory(files, path));
  std::vector<std::string> names;
  const rocksdb::IOStatus status = files.GetChildren(path, rocksdb::IOOptions(), &names, nullptr);
  if (!status.ok()) {
    return rocksdb_error(status, "listing the directory " + path);
  }
  if (std::ranges::find(names, "CURRENT") != names.end()) {
    return kOk;
  }
  for (const std::string& name : names) {
    if (name != "." && name != ".." && !is_engine_file(name)) {
      return base::failed_precondition("the directory " + path +
                                       " is not a store and not empty (it "
                                       "holds \"" +
                                       name + "\"): choose another data directory");
    }
  }
  return kOk;
}

Result<void> check_and_mend(rocksdb::FileSystem& files, const std::string& directory) {
  rocksdb::FileLock* lock = nullptr;
  const rocksdb::IOOptions options;
  const rocksdb::IOStatus locked = files.LockFile(directory + "/LOCK", options, &lock, nullptr);
  if (!locked.ok()) {
    if (auto held = held_error(locked, directory)) {
      return *std::move(held);
    }
    return rocksdb_error(locked, "locking the store in " + directory);
  }
  Result<void> result = check_logs(files, directory);
  if (result.ok()) {
    result = mend_manifest(files, directory);
  }
  const rocksdb::IOStatus unlocked = files.UnlockFile(lock, options, nullptr);
  if (result.ok() && !unlocked.ok()) {
    return rocksdb_error(unlocked, "unlocking the store in " + directory);
  }
  return result;
}

std::optional<Error> held_error(const rocksdb::Status& status, const std::string& directory) {
  const std::string text = status.ToString();
  if (!status.IsIOError() || text.find("LOCK") == std::string::npos ||
      (text.find("lock hold") == std::string::npos &&
       text.find("temporarily unavailable") == std::string::npos)) {
    return std::nullopt;
  }
  std::string holder;
  std::getline(std::ifstream(directory + "/" + std::string(kHolderFile)), holder);
  return base::failed_precondition(
      "the store in " + directory + " is in use by " +
      (holder.empty() ? std::string("another process") : "process " + holder) + " (lock " +
      directory + "/LOCK)");
}

void note_holder(const std::string& directory) {
  std::ofstream(directory + "/" + std::string(kHolderFile)) << ::getpid() << "\n";
}

}  // namespace kelpie::store
