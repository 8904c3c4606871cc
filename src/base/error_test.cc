#include "base/error.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <utility>

namespace kelpie::base {
namespace {

TEST(Error, PrintsItsCodeBeforeItsMessage) {
  EXPECT_EQ(not_found("no agent of that id").to_string(), "not_found: no agent of that id");
}

TEST(Error, KeepsItsCodeWhenContextIsPutBefore) {
  Error error = aborted("the epoch moved");
  error = std::move(error).with_context("commit");
  error = std::move(error).with_context("turn 7");
  EXPECT_EQ(error.code, Code::kAborted);
  EXPECT_EQ(error.message, "turn 7: commit: the epoch moved");
}

TEST(Error, HasANameOfItsOwnForEveryCode) {
  std::set<std::string_view> names;
  const int last = static_cast<int>(Code::kUnauthenticated);
  for (int code = 0; code <= last; ++code) {
    names.insert(code_name(static_cast<Code>(code)));
  }
  EXPECT_EQ(names.size(), static_cast<size_t>(last) + 1);
}

TEST(Error, MakersSetTheCodeOfTheirName) {
  for (const Error& error :
       {invalid_argument("m"), not_found("m"), already_exists("m"), aborted("m"), unknown("m"),
        unavailable("m"), internal("m"), data_loss("m"), cancelled("m"), deadline_exceeded("m"),
        failed_precondition("m"), resource_exhausted("m"), out_of_range("m")}) {
    EXPECT_EQ(error.message, "m");
  }
  EXPECT_EQ(invalid_argument("").code, Code::kInvalidArgument);
  EXPECT_EQ(already_exists("").code, Code::kAlreadyExists);
  EXPECT_EQ(unknown("").code, Code::kUnknown);
  EXPECT_EQ(unavailable("").code, Code::kUnavailable);
  EXPECT_EQ(internal("").code, Code::kInternal);
  EXPECT_EQ(data_loss("").code, Code::kDataLoss);
  EXPECT_EQ(cancelled("").code, Code::kCancelled);
  EXPECT_EQ(deadline_exceeded("").code, Code::kDeadlineExceeded);
  EXPECT_EQ(failed_precondition("").code, Code::kFailedPrecondition);
  EXPECT_EQ(resource_exhausted("").code, Code::kResourceExhausted);
  EXPECT_EQ(out_of_range("").code, Code::kOutOfRange);
}

}  // namespace
}  // namespace kelpie::base
