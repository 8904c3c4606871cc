// What each of FoundationDB's errors means here: the one table. It is where systems lose data, so
// an error is judged by where it arose: a timeout of a read is a timeout, a timeout of a commit is
// a commit that may still happen.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.h"
#include "store/fdb/c_api.h"

namespace kelpie::store {

enum class FdbOrigin : uint8_t { kRead, kCommit, kWatch };

// kYes: nothing was committed, and trying again from the start may help. The transaction's native
// `on_error` decides how long to wait.
enum class FdbRetry : uint8_t { kNo, kYes };

struct FdbVerdict {
  Code code = Code::kInternal;
  FdbRetry retry = FdbRetry::kNo;
  bool operator==(const FdbVerdict&) const = default;
};

// Pure, but for what the library says about codes that are not in the table.
FdbVerdict judge_fdb_error(const FdbApi& api, FdbErrorCode code, FdbOrigin origin);

// The same as an Error with the number, the library's text, and what to do.
Error to_error(const FdbApi& api, FdbErrorCode code, FdbOrigin origin);

// `FoundationDB error 1020 (its text)`.
std::string fdb_error_text(const FdbApi& api, FdbErrorCode code);

// The codes that the adapter itself names.
inline constexpr FdbErrorCode kFdbNotCommitted = 1020;
inline constexpr FdbErrorCode kFdbNetworkAlreadySetUp = 2009;
inline constexpr FdbErrorCode kFdbNetworkCannotBeRestarted = 2025;
inline constexpr FdbErrorCode kFdbApiVersionAlreadySet = 2201;

}  // namespace kelpie::store
