#include "base/error.h"

#include <utility>

namespace kelpie::base {

std::string_view code_name(Code code) {
  switch (code) {
    case Code::kCancelled:
      return "cancelled";
    case Code::kUnknown:
      return "unknown";
    case Code::kInvalidArgument:
      return "invalid_argument";
    case Code::kDeadlineExceeded:
      return "deadline_exceeded";
    case Code::kNotFound:
      return "not_found";
    case Code::kAlreadyExists:
      return "already_exists";
    case Code::kPermissionDenied:
      return "permission_denied";
    case Code::kResourceExhausted:
      return "resource_exhausted";
    case Code::kFailedPrecondition:
      return "failed_precondition";
    case Code::kAborted:
      return "aborted";
    case Code::kOutOfRange:
      return "out_of_range";
    case Code::kUnimplemented:
      return "unimplemented";
    case Code::kInternal:
      return "internal";
    case Code::kUnavailable:
      return "unavailable";
    case Code::kDataLoss:
      return "data_loss";
    case Code::kUnauthenticated:
      return "unauthenticated";
  }
  return "internal";
}

Error Error::with_context(std::string_view what) && {
  std::string chained(what);
  chained += ": ";
  chained += message;
  return Error{code, std::move(chained)};
}

std::string Error::to_string() const {
  std::string text(code_name(code));
  text += ": ";
  text += message;
  return text;
}

Error invalid_argument(std::string message) { return {Code::kInvalidArgument, std::move(message)}; }
Error not_found(std::string message) { return {Code::kNotFound, std::move(message)}; }
Error already_exists(std::string message) { return {Code::kAlreadyExists, std::move(message)}; }
Error aborted(std::string message) { return {Code::kAborted, std::move(message)}; }
Error unknown(std::string message) { return {Code::kUnknown, std::move(message)}; }
Error unavailable(std::string message) { return {Code::kUnavailable, std::move(message)}; }
Error internal(std::string message) { return {Code::kInternal, std::move(message)}; }
Error data_loss(std::string message) { return {Code::kDataLoss, std::move(message)}; }
Error cancelled(std::string message) { return {Code::kCancelled, std::move(message)}; }
Error deadline_exceeded(std::string message) {
  return {Code::kDeadlineExceeded, std::move(message)};
}
Error failed_precondition(std::string message) {
  return {Code::kFailedPrecondition, std::move(message)};
}
Error resource_exhausted(std::string message) {
  return {Code::kResourceExhausted, std::move(message)};
}
Error out_of_range(std::string message) { return {Code::kOutOfRange, std::move(message)}; }

}  // namespace kelpie::base
