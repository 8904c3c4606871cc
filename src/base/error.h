// Error: what went wrong, as a code that a caller can act on and a message that a person can act
// on.
#pragma once

#include <string>
#include <string_view>

namespace kelpie::base {

// Abseil's canonical codes. The meaning each has in this house:
//   aborted             a transaction conflict or a version that is too old: try again from the
//   start unknown             an undecided commit: it may have happened failed_precondition the
//   state forbids it; in the fence's case: this node no longer owns resource_exhausted  overload or
//   a full disk: later, or less data_loss           stored bytes fail their check: never read as
//   "absent"
enum class Code {
  kCancelled,
  kUnknown,
  kInvalidArgument,
  kDeadlineExceeded,
  kNotFound,
  kAlreadyExists,
  kPermissionDenied,
  kResourceExhausted,
  kFailedPrecondition,
  kAborted,
  kOutOfRange,
  kUnimplemented,
  kInternal,
  kUnavailable,
  kDataLoss,
  kUnauthenticated,
};

// The code's name in lower snake case, as logs print it.
std::string_view code_name(Code code);

struct [[nodiscard]] Error {
  Code code = Code::kInternal;
  std::string message;

  // The same error with `what: ` before its message: a chain of who was doing what.
  Error with_context(std::string_view what) &&;
  // `code_name: message`.
  [[nodiscard]] std::string to_string() const;

  bool operator==(const Error&) const = default;
};

Error invalid_argument(std::string message);
Error not_found(std::string message);
Error already_exists(std::string message);
Error aborted(std::string message);
Error unknown(std::string message);
Error unavailable(std::string message);
Error internal(std::string message);
Error data_loss(std::string message);
Error cancelled(std::string message);
Error deadline_exceeded(std::string message);
Error failed_precondition(std::string message);
Error resource_exhausted(std::string message);
Error out_of_range(std::string message);

}  // namespace kelpie::base

namespace kelpie {
using base::Code;
using base::Error;
}  // namespace kelpie
