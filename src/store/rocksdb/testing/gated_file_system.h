// GatedFileSystem: a disk whose reads of tables can be held back. Test support.
#pragma once

#include <rocksdb/file_system.h>

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

namespace kelpie::store::testing {

// Any thread. While the gate is shut, a read of a table (.sst) waits until it is opened; one on
// the thread that shut it fails at once, and is counted: waiting there would never end.
class GatedFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  GatedFileSystem() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}

  void shut();
  void open();
  // Blocks until so many reads wait at once.
  void wait_for_waiting(int reads);
  [[nodiscard]] int reads_on_the_shutting_thread() const;

  [[nodiscard]] const char* Name() const override { return "GatedFileSystem"; }
  rocksdb::IOStatus NewRandomAccessFile(const std::string& path,
                                        const rocksdb::FileOptions& options,
                                        std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                        rocksdb::IODebugContext* debug) override;

 private:
  friend class GatedFile;
  rocksdb::IOStatus pass();

  mutable std::mutex mutex_;
  std::condition_variable changed_;
  bool shut_ = false;
  std::thread::id shut_by_;
  int waiting_ = 0;
  int forbidden_ = 0;
};

}  // namespace kelpie::store::testing
