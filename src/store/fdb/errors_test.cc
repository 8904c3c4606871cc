#include "store/fdb/errors.h"

#include <gtest/gtest.h>

#include "store/fdb/testing/scripted_fdb.h"

namespace kelpie::store {
namespace {

using testing::ScriptedFdb;

constexpr FdbRetry kYes = FdbRetry::kYes;
constexpr FdbRetry kNo = FdbRetry::kNo;

struct Expected {
  FdbErrorCode code;
  FdbVerdict read;
  FdbVerdict commit;
  Code watch;
};

// store.md's table, and the codes beside it.
const Expected kExpected[] = {
    {1007, {Code::kAborted, kYes}, {Code::kAborted, kYes}, Code::kCancelled},
    {1009, {Code::kAborted, kYes}, {Code::kAborted, kYes}, Code::kCancelled},
    {1037, {Code::kAborted, kYes}, {Code::kAborted, kYes}, Code::kCancelled},
    {1020, {Code::kAborted, kYes}, {Code::kAborted, kYes}, Code::kCancelled},
    {1021, {Code::kUnknown, kNo}, {Code::kUnknown, kNo}, Code::kCancelled},
    {1025, {Code::kCancelled, kNo}, {Code::kUnknown, kNo}, Code::kCancelled},
    {1031, {Code::kDeadlineExceeded, kNo}, {Code::kUnknown, kNo}, Code::kCancelled},
    {1039, {Code::kAborted, kYes}, {Code::kUnknown, kNo}, Code::kCancelled},
    {1042, {Code::kResourceExhausted, kYes}, {Code::kResourceExhausted, kYes}, Code::kCancelled},
    {1213, {Code::kResourceExhausted, kYes}, {Code::kResourceExhausted, kYes}, Code::kCancelled},
    {1101, {Code::kCancelled, kNo}, {Code::kUnknown, kNo}, Code::kCancelled},
    {2101, {Code::kInvalidArgument, kNo}, {Code::kInvalidArgument, kNo}, Code::kInvalidArgument},
    {2102, {Code::kInvalidArgument, kNo}, {Code::kInvalidArgument, kNo}, Code::kInvalidArgument},
    {2103, {Code::kInvalidArgument, kNo}, {Code::kInvalidArgument, kNo}, Code::kInvalidArgument},
    {1036, {Code::kInvalidArgument, kNo}, {Code::kInvalidArgument, kNo}, Code::kInvalidArgument},
    {1032,
     {Code::kResourceExhausted, kNo},
     {Code::kResourceExhausted, kNo},
     Code::kResourceExhausted},
    {1038, {Code::kUnavailable, kYes}, {Code::kUnavailable, kYes}, Code::kCancelled},
    {1520, {Code::kDataLoss, kNo}, {Code::kUnknown, kNo}, Code::kCancelled},
    // Not in the table, and the library does not know it as harmless.
    {4100, {Code::kUnavailable, kNo}, {Code::kUnknown, kNo}, Code::kUnavailable},
    // Not in the table: a wrong call, refused before anything was sent.
    {2108, {Code::kInternal, kNo}, {Code::kInternal, kNo}, Code::kCancelled},
};

TEST(FdbErrors, AreJudgedByWhereTheyArose) {
  const FdbApi api = ScriptedFdb::api();
  for (const Expected& expected : kExpected) {
    SCOPED_TRACE(expected.code);
    EXPECT_EQ(judge_fdb_error(api, expected.code, FdbOrigin::kRead), expected.read);
    EXPECT_EQ(judge_fdb_error(api, expected.code, FdbOrigin::kCommit), expected.commit);
    EXPECT_EQ(judge_fdb_error(api, expected.code, FdbOrigin::kWatch),
              (FdbVerdict{expected.watch, kNo}));
  }
}

TEST(FdbErrors, AskTheLibraryAboutCodesThatAreNotInTheTable) {
  FdbApi api = ScriptedFdb::api();
  constexpr FdbErrorCode kNewCode = 1999;
  EXPECT_EQ(judge_fdb_error(api, kNewCode, FdbOrigin::kCommit), (FdbVerdict{Code::kUnknown, kNo}));
  api.error_predicate = [](FdbPredicate predicate, FdbErrorCode) {
    return predicate == FdbPredicate::kRetryableNotCommitted ? 1 : 0;
  };
  EXPECT_EQ(judge_fdb_error(api, kNewCode, FdbOrigin::kCommit), (FdbVerdict{Code::kAborted, kYes}));
  // Both at once: what may have committed counts.
  api.error_predicate = [](FdbPredicate, FdbErrorCode) { return 1; };
  EXPECT_EQ(judge_fdb_error(api, kNewCode, FdbOrigin::kCommit), (FdbVerdict{Code::kUnknown, kNo}));
  EXPECT_EQ(judge_fdb_error(api, kNewCode, FdbOrigin::kRead), (FdbVerdict{Code::kAborted, kYes}));
}

// Whatever the library may yet invent: no commit that is not known to have failed is tried again.
TEST(FdbErrors, NeverCallAnUndecidedCommitRetryable) {
  const FdbApi api = ScriptedFdb::api();
  for (FdbErrorCode code = 1; code < 5'000; ++code) {
    const FdbVerdict verdict = judge_fdb_error(api, code, FdbOrigin::kCommit);
    EXPECT_NE(verdict.code, Code::kCancelled) << code;
    EXPECT_FALSE(verdict.code == Code::kUnknown && verdict.retry == kYes) << code;
    if (api.error_predicate(FdbPredicate::kMaybeCommitted, code) != 0) {
      EXPECT_EQ(verdict.code, Code::kUnknown) << code;
    }
  }
}

TEST(FdbErrors, NameTheCodeTheTextAndWhatToDo) {
  const FdbApi api = ScriptedFdb::api();
  const Error error = to_error(api, 1021, FdbOrigin::kCommit);
  EXPECT_EQ(error.code, Code::kUnknown);
  EXPECT_NE(error.message.find("commit"), std::string::npos);
  EXPECT_NE(error.message.find("1021 (scripted)"), std::string::npos);
  EXPECT_NE(error.message.find("settle it"), std::string::npos);
  EXPECT_EQ(to_error(api, 1009, FdbOrigin::kRead).message,
            "a read: FoundationDB error 1009 (scripted)");
}

}  // namespace
}  // namespace kelpie::store
