// FdbWatch: a native watch, as the Watch contract has it.
#pragma once

#include <memory>
#include <optional>
#include <utility>

#include "store/database.h"
#include "store/fdb/c_api.h"
#include "store/fdb/future.h"

namespace kelpie::store {

class FdbWatch final : public Watch {
 public:
  FdbWatch(std::shared_ptr<const FdbApi> api, std::shared_ptr<FdbFuture> future)
      : api_(std::move(api)), future_(std::move(future)) {}
  // A watch that could not be set.
  explicit FdbWatch(Error error) : error_(std::move(error)) {}
  ~FdbWatch() override;

  Task<void> changed() override;

 private:
  std::shared_ptr<const FdbApi> api_;
  std::shared_ptr<FdbFuture> future_;
  std::optional<Error> error_;
};

}  // namespace kelpie::store
