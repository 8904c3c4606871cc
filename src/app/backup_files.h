// The files of a backup in a directory: `rows.kelpie`, which is the backup, and `manifest.json`,
// which says what is in it for people and scripts.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "store/backup_format.h"

namespace kelpie::app {

inline constexpr std::string_view kRowsFile = "rows.kelpie";
inline constexpr std::string_view kManifestFile = "manifest.json";
// Of names under which files are written until they are whole.
inline constexpr std::string_view kPartialEnding = ".partial";

// A file that has its name only once it is whole and on the disk. Destroying it before removes what
// was written. Any thread; blocks.
class NewFile {
 public:
  // For `path`, which nobody else writes. `unavailable` with the system's reason.
  static Result<NewFile> create(const std::string& path);
  NewFile(NewFile&& other) noexcept;
  NewFile& operator=(NewFile&&) = delete;
  ~NewFile();

  Result<void> write(std::string_view bytes);
  // Syncs it, gives it its name, and syncs the directory.
  Result<void> commit() &&;

 private:
  NewFile(std::string path, int descriptor) : path_(std::move(path)), descriptor_(descriptor) {}
  [[nodiscard]] std::string partial() const { return path_ + std::string(kPartialEnding); }

  std::string path_;
  int descriptor_ = -1;
};

// Makes the directory, readable by its owner only, if it is missing. `failed_precondition` if it
// holds anything but what a broken backup left.
Result<void> prepare_backup_directory(const std::string& directory);

std::string backup_manifest(const store::BackupHeader& header, const store::BackupEnd& end,
                            uint64_t file_bytes);

// Syncs the entries of a directory.
Result<void> sync_directory(const std::string& directory);

}  // namespace kelpie::app
