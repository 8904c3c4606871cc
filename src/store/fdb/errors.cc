#include "store/fdb/errors.h"

#include <algorithm>
#include <array>

namespace kelpie::store {
namespace {

constexpr FdbVerdict no(Code code) { return {code, FdbRetry::kNo}; }
constexpr FdbVerdict again(Code code) { return {code, FdbRetry::kYes}; }

struct Row {
  FdbErrorCode code;
  FdbVerdict read;
  FdbVerdict commit;
};

// A row where both agree.
constexpr Row both(FdbErrorCode code, FdbVerdict verdict) { return {code, verdict, verdict}; }

constexpr std::array kTable = {
    // operation_failed, timed_out, all_alternatives_failed, connection_failed,
    // request_maybe_delivered, broken_promise: a message got lost. Of a commit nothing is known.
    Row{1000, no(Code::kUnavailable), no(Code::kUnknown)},
    Row{1004, no(Code::kUnavailable), no(Code::kUnknown)},
    Row{1006, no(Code::kUnavailable), no(Code::kUnknown)},
    Row{1026, no(Code::kUnavailable), no(Code::kUnknown)},
    Row{1030, no(Code::kUnavailable), no(Code::kUnknown)},
    Row{1100, no(Code::kUnavailable), no(Code::kUnknown)},
    // transaction_too_old: the read version is older than five seconds. A fresh one helps.
    both(1007, again(Code::kAborted)),
    // future_version, process_behind: a storage server lags. It needs a moment.
    both(1009, again(Code::kAborted)),
    both(1037, again(Code::kAborted)),
    // not_committed: something that was read has changed.
    both(1020, again(Code::kAborted)),
    // commit_unknown_result: it may have committed; it is no longer in flight. Trying again blindly
    // doubles it. (Only a commit can have it.)
    both(1021, no(Code::kUnknown)),
    // commit_unknown_result_fatal: the same, after an idempotency id has expired.
    both(1022, no(Code::kUnknown)),
    // transaction_cancelled: a commit that was on its way may still land.
    Row{1025, no(Code::kCancelled), no(Code::kUnknown)},
    // watch_cancelled, too_many_watches: over a limit, of a storage server or of this client.
    both(1029, no(Code::kResourceExhausted)),
    both(1032, no(Code::kResourceExhausted)),
    // transaction_timed_out: this adapter sets no timeout, but a cluster-wide default may. A commit
    // that was on its way may still land.
    Row{1031, no(Code::kDeadlineExceeded), no(Code::kUnknown)},
    // watches_disabled: read-your-writes is off.
    both(1034, no(Code::kFailedPrecondition)),
    // accessed_unreadable: a read of what only this transaction's commit will decide.
    both(1036, no(Code::kInvalidArgument)),
    // database_locked: an operator restores or moves it. Nothing was committed.
    both(1038, again(Code::kUnavailable)),
    // cluster_version_changed: the multi-version client has moved to another cluster version. A
    // commit that was on its way may still land.
    Row{1039, again(Code::kAborted), no(Code::kUnknown)},
    // commit_proxy_memory_limit_exceeded, batch_transaction_throttled,
    // grv_proxy_memory_limit_exceeded, tag_throttled, proxy_tag_throttled: overload. Nothing was
    // committed; later, and less of it.
    both(1042, again(Code::kResourceExhausted)),
    both(1051, again(Code::kResourceExhausted)),
    both(1078, again(Code::kResourceExhausted)),
    both(1213, again(Code::kResourceExhausted)),
    both(1223, again(Code::kResourceExhausted)),
    // operation_cancelled: ours. A cancelled read is just that; a cancelled commit may still land.
    Row{1101, no(Code::kCancelled), no(Code::kUnknown)},
    // storage_quota_exceeded: refused by the cluster.
    both(1225, no(Code::kResourceExhausted)),
    // no_cluster_file_found, file_not_readable, connection_string_invalid: what was configured.
    both(1513, no(Code::kInvalidArgument)),
    both(1515, no(Code::kInvalidArgument)),
    both(2104, no(Code::kInvalidArgument)),
    // checksum_failed, file_corrupt: bytes fail their check. Of a commit nothing is known.
    Row{1520, no(Code::kDataLoss), no(Code::kUnknown)},
    Row{1522, no(Code::kDataLoss), no(Code::kUnknown)},
    // key_outside_legal_range, inverted_range: refused before anything was sent.
    both(2004, no(Code::kInvalidArgument)),
    both(2005, no(Code::kInvalidArgument)),
    // used_during_commit: a bug of ours; the library breaks the commit off, which may still land.
    Row{2017, no(Code::kInternal), no(Code::kUnknown)},
    // incompatible_protocol_version, incompatible_client: another version of the library is needed.
    Row{2100, no(Code::kFailedPrecondition), no(Code::kUnknown)},
    Row{2125, no(Code::kFailedPrecondition), no(Code::kUnknown)},
    // transaction_too_large, key_too_large, value_too_large: refused before anything was sent;
    // normally our own checks have found it first.
    both(2101, no(Code::kInvalidArgument)),
    both(2102, no(Code::kInvalidArgument)),
    both(2103, no(Code::kInvalidArgument)),
};
static_assert(std::ranges::all_of(kTable, [](const Row& row) {
  return row.commit.code != Code::kUnknown || row.commit.retry == FdbRetry::kNo;
}));

// The library's client refuses a wrong call with these, before anything is sent.
constexpr bool is_wrong_call(FdbErrorCode code) { return code >= 2000 && code < 3000; }

// A code that is not in the table. The library knows which ones are harmless; about any other
// failure of a commit it is safe to say only that nothing is known.
FdbVerdict judge_unlisted(const FdbApi& api, FdbErrorCode code, FdbOrigin origin) {
  const bool commit = origin == FdbOrigin::kCommit;
  if (commit && api.error_predicate(FdbPredicate::kMaybeCommitted, code) != 0) {
    return no(Code::kUnknown);
  }
  if (api.error_predicate(FdbPredicate::kRetryableNotCommitted, code) != 0 ||
      (!commit && api.error_predicate(FdbPredicate::kRetryable, code) != 0)) {
    return again(Code::kAborted);
  }
  if (is_wrong_call(code)) {
    return no(Code::kInternal);
  }
  return no(commit ? Code::kUnknown : Code::kUnavailable);
}

// A watch waits for no commit of its own: an error that says that its transaction did not commit
// (or may not have) ends it as cancelled.
FdbVerdict judge_watch(FdbVerdict read) {
  const bool stands = read.code == Code::kResourceExhausted ||
                      read.code == Code::kFailedPrecondition ||
                      read.code == Code::kInvalidArgument || read.code == Code::kUnavailable;
  return no(stands && read.retry == FdbRetry::kNo ? read.code : Code::kCancelled);
}

std::string_view name_of(FdbOrigin origin) {
  switch (origin) {
    case FdbOrigin::kRead:
      return "a read: ";
    case FdbOrigin::kCommit:
      return "a commit: ";
    case FdbOrigin::kWatch:
      return "a watch: ";
  }
  return "";
}

}  // namespace

FdbVerdict judge_fdb_error(const FdbApi& api, FdbErrorCode code, FdbOrigin origin) {
  const auto* const row =
      std::ranges::find_if(kTable, [code](const Row& each) { return each.code == code; });
  if (origin == FdbOrigin::kCommit) {
    return row == kTable.end() ? judge_unlisted(api, code, origin) : row->commit;
  }
  const FdbVerdict read = row == kTable.end() ? judge_unlisted(api, code, origin) : row->read;
  return origin == FdbOrigin::kWatch ? judge_watch(read) : read;
}

std::string fdb_error_text(const FdbApi& api, FdbErrorCode code) {
  return "FoundationDB error " + std::to_string(code) + " (" + api.get_error(code) + ")";
}

Error to_error(const FdbApi& api, FdbErrorCode code, FdbOrigin origin) {
  const FdbVerdict verdict = judge_fdb_error(api, code, origin);
  std::string message(name_of(origin));
  message += fdb_error_text(api, code);
  if (verdict.code == Code::kUnknown) {
    message += ": it may have been committed, or may be yet; settle it before trying again";
  }
  return {verdict.code, std::move(message)};
}

}  // namespace kelpie::store
