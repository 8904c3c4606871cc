#include "store/rocksdb/testing/gated_file_system.h"

#include <utility>

#include "base/check.h"

namespace kelpie::store::testing {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;

class GatedFile final : public rocksdb::FSRandomAccessFileOwnerWrapper {
 public:
  GatedFile(std::unique_ptr<rocksdb::FSRandomAccessFile> target, GatedFileSystem& gate)
      : FSRandomAccessFileOwnerWrapper(std::move(target)), gate_(gate) {}

  IOStatus Read(uint64_t offset, size_t bytes, const IOOptions& options, rocksdb::Slice* result,
                char* scratch, IODebugContext* debug) const override {
    IOStatus status = gate_.pass();
    return status.ok()
               ? FSRandomAccessFileWrapper::Read(offset, bytes, options, result, scratch, debug)
               : status;
  }
  // Each request by itself, through `Read`.
  IOStatus MultiRead(rocksdb::FSReadRequest* requests, size_t count, const IOOptions& options,
                     IODebugContext* debug) override {
    return FSRandomAccessFile::MultiRead(requests, count, options, debug);
  }
  IOStatus Prefetch(uint64_t, size_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::NotSupported("Prefetch");
  }

 private:
  GatedFileSystem& gate_;
};

void GatedFileSystem::shut() {
  const std::lock_guard lock(mutex_);
  shut_ = true;
  shut_by_ = std::this_thread::get_id();
}

void GatedFileSystem::open() {
  {
    const std::lock_guard lock(mutex_);
    shut_ = false;
  }
  changed_.notify_all();
}

void GatedFileSystem::wait_for_waiting(int reads) {
  std::unique_lock lock(mutex_);
  CHECK(shut_);
  changed_.wait(lock, [&] { return waiting_ >= reads; });
}

int GatedFileSystem::reads_on_the_shutting_thread() const {
  const std::lock_guard lock(mutex_);
  return forbidden_;
}

IOStatus GatedFileSystem::pass() {
  std::unique_lock lock(mutex_);
  if (!shut_) {
    return IOStatus::OK();
  }
  if (std::this_thread::get_id() == shut_by_) {
    ++forbidden_;
    return IOStatus::IOError("a read on the thread that shut the gate");
  }
  ++waiting_;
  changed_.notify_all();
  changed_.wait(lock, [this] { return !shut_; });
  --waiting_;
  return IOStatus::OK();
}

IOStatus GatedFileSystem::NewRandomAccessFile(const std::string& path,
                                              const rocksdb::FileOptions& options,
                                              std::unique_ptr<rocksdb::FSRandomAccessFile>* file,
                                              IODebugContext* debug) {
  std::unique_ptr<rocksdb::FSRandomAccessFile> target;
  IOStatus status = FileSystemWrapper::NewRandomAccessFile(path, options, &target, debug);
  if (status.ok() && path.ends_with(".sst")) {
    *file = std::make_unique<GatedFile>(std::move(target), *this);
  } else {
    *file = std::move(target);
  }
  return status;
}

}  // namespace kelpie::store::testing
