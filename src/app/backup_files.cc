#include "app/backup_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <boost/json/object.hpp>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "codec/datetime.h"
#include "codec/json.h"

namespace kelpie::app {
namespace {

Error failed(std::string_view doing, const std::string& path) {
  const int reason = errno;
  const std::string text =
      std::string(doing) + " " + path + ": " + std::generic_category().message(reason);
  return reason == ENOSPC || reason == EDQUOT ? base::resource_exhausted(text)
                                              : base::unavailable(text);
}

std::string directory_of(const std::string& path) {
  const std::string parent = std::filesystem::path(path).parent_path().string();
  return parent.empty() ? "." : parent;
}

}  // namespace

Result<NewFile> NewFile::create(const std::string& path) {
  NewFile file(path, -1);
  file.descriptor_ =
      open(file.partial().c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
  if (file.descriptor_ < 0) {
    return failed("creating", file.partial());
  }
  return file;
}

NewFile::NewFile(NewFile&& other) noexcept
    : path_(std::move(other.path_)), descriptor_(std::exchange(other.descriptor_, -1)) {}

NewFile::~NewFile() {
  if (descriptor_ >= 0) {
    close(descriptor_);
    unlink(partial().c_str());
  }
}

Result<void> NewFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t taken = ::write(descriptor_, bytes.data(), bytes.size());
    if (taken < 0 && errno == EINTR) {
      continue;
    }
    if (taken < 0) {
      return failed("writing", partial());
    }
    bytes.remove_prefix(static_cast<size_t>(taken));
  }
  return kOk;
}

Result<void> NewFile::commit() && {
  CHECK(descriptor_ >= 0);
  if (fsync(descriptor_) != 0) {
    return failed("syncing", partial());
  }
  if (rename(partial().c_str(), path_.c_str()) != 0) {
    return failed("renaming", partial());
  }
  close(std::exchange(descriptor_, -1));
  return sync_directory(directory_of(path_));
}

Result<void> sync_directory(const std::string& directory) {
  const int descriptor = open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) {
    return failed("opening", directory);
  }
  Result<void> synced = fsync(descriptor) == 0 ? Result<void>(kOk) : failed("syncing", directory);
  close(descriptor);
  return synced;
}

Result<void> prepare_backup_directory(const std::string& asked) {
  // Without a slash at the end, so that its parent is above it.
  std::string directory = asked;
  while (directory.size() > 1 && directory.ends_with('/')) {
    directory.pop_back();
  }
  if (directory.empty()) {
    return base::invalid_argument("expected a directory for the backup, got an empty name");
  }
  std::error_code code;
  const bool made = std::filesystem::create_directories(directory, code);
  if (code) {
    return base::failed_precondition("cannot create the directory " + directory + ": " +
                                     code.message());
  }
  if (made) {
    std::filesystem::permissions(directory, std::filesystem::perms::owner_all, code);
    return sync_directory(directory_of(directory));
  }
  std::filesystem::directory_iterator entries(directory, code);
  for (; !code && entries != std::filesystem::directory_iterator(); entries.increment(code)) {
    const std::string name = entries->path().filename().string();
    // A manifest alone is no backup: the rows are named last.
    if (name != kManifestFile && !name.ends_with(kPartialEnding)) {
      return base::failed_precondition("expected an empty directory for the backup, " + directory +
                                       " holds " + name + "; name another one with --to");
    }
  }
  return code ? base::unavailable("cannot read the directory " + directory + ": " + code.message())
              : Result<void>(kOk);
}

std::string backup_manifest(const store::BackupHeader& header, const store::BackupEnd& end,
                            uint64_t file_bytes) {
  const auto created = WallTime::from_nanos(header.created_micros * 1'000);
  const boost::json::object manifest{{"file", kRowsFile},
                                     {"file_bytes", file_bytes},
                                     {"format", store::kBackupFormat},
                                     {"created_at", codec::format_micros(created)},
                                     {"kelpie_version", header.kelpie_version},
                                     {"engine", header.engine},
                                     {"store_id", header.store_id},
                                     {"store_version", header.version.get()},
                                     {"schema", header.schema},
                                     {"rows", end.sum.rows},
                                     {"rows_bytes", end.sum.bytes},
                                     {"rows_crc32c", fmt::format("{:08x}", end.sum.crc)}};
  return codec::write_json(manifest) + "\n";
}

}  // namespace kelpie::app
