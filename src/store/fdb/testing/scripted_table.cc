// The functions of the C API, over ScriptedFdb.
#include <algorithm>
#include <initializer_list>
#include <memory>
#include <utility>

#include "base/check.h"
#include "store/fdb/errors.h"
#include "store/fdb/testing/scripted_fdb.h"
#include "store/fdb/testing/scripted_state.h"

namespace kelpie::store::testing {
namespace {

Bytes bytes_of(const uint8_t* bytes, int size) {
  return {reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)};
}

const uint8_t* pointer_to(const Bytes& bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

// Cuts the four bytes of a versionstamp's offset off.
size_t take_offset(Bytes& bytes) {
  CHECK(bytes.size() >= 4);
  size_t offset = 0;
  for (size_t i = 0; i < 4; ++i) {
    offset |= static_cast<size_t>(static_cast<unsigned char>(bytes[bytes.size() - 4 + i]))
              << (8 * i);
  }
  bytes.resize(bytes.size() - 4);
  return offset;
}

bool is_one_of(FdbErrorCode code, std::initializer_list<FdbErrorCode> codes) {
  return std::ranges::find(codes, code) != codes.end();
}

bool is_retryable_not_committed(FdbErrorCode code) {
  return is_one_of(code, {1007, 1009, 1020, 1037, 1038, 1042, 1051, 1078, 1213, 1223});
}

AtomicOp operation_of(FdbMutation mutation) {
  switch (mutation) {
    case FdbMutation::kAdd:
      return AtomicOp::kAdd;
    case FdbMutation::kBitAnd:
      return AtomicOp::kBitAnd;
    case FdbMutation::kBitOr:
      return AtomicOp::kBitOr;
    case FdbMutation::kBitXor:
      return AtomicOp::kBitXor;
    case FdbMutation::kAppendIfFits:
      return AtomicOp::kAppendIfFits;
    case FdbMutation::kMax:
      return AtomicOp::kMax;
    case FdbMutation::kMin:
      return AtomicOp::kMin;
    case FdbMutation::kByteMin:
      return AtomicOp::kByteMin;
    case FdbMutation::kByteMax:
      return AtomicOp::kByteMax;
    case FdbMutation::kCompareAndClear:
      return AtomicOp::kCompareAndClear;
    case FdbMutation::kSetVersionstampedKey:
    case FdbMutation::kSetVersionstampedValue:
      break;
  }
  CHECK(false);
  return AtomicOp::kAdd;
}

}  // namespace

struct ScriptedFdb::Table {
  using Lock = std::unique_lock<std::mutex>;
  static Transaction& at(FdbTransactionHandle* handle) {
    return *reinterpret_cast<Transaction*>(handle);
  }
  static Future& at(FdbFutureHandle* handle) {
    Future& future = *reinterpret_cast<Future*>(handle);
    CHECK(!future.destroyed);
    return future;
  }

  static FdbErrorCode select_api_version(int, int) { return 0; }
  static int max_api_version() { return 730; }
  static const char* client_version() { return "scripted"; }
  static const char* error_text(FdbErrorCode) { return "scripted"; }
  static FdbBool predicate(FdbPredicate predicate, FdbErrorCode code) {
    const bool maybe = is_one_of(code, {1021, 1039});
    const bool not_committed = is_retryable_not_committed(code);
    switch (predicate) {
      case FdbPredicate::kRetryable:
        return maybe || not_committed ? 1 : 0;
      case FdbPredicate::kMaybeCommitted:
        return maybe ? 1 : 0;
      case FdbPredicate::kRetryableNotCommitted:
        return not_committed ? 1 : 0;
    }
    return 0;
  }

  static void database_destroy(FdbDatabaseHandle*) {}
  static FdbErrorCode create_transaction(FdbDatabaseHandle* handle, FdbTransactionHandle** out) {
    auto* const fdb = reinterpret_cast<ScriptedFdb*>(handle);
    const Lock lock(fdb->mutex_);
    ++fdb->counts_.transactions_made;
    auto* const transaction = new Transaction;
    transaction->owner = fdb;
    *out = reinterpret_cast<FdbTransactionHandle*>(transaction);
    return 0;
  }
  static void transaction_destroy(FdbTransactionHandle* handle) {
    const std::unique_ptr<Transaction> transaction(&at(handle));
    ScriptedFdb& fdb = *transaction->owner;
    {
      const Lock lock(fdb.mutex_);
      ++fdb.counts_.transactions_destroyed;
      fdb.note_broken_commit(*transaction);
      fdb.end_watches(*transaction, kTransactionCancelled);
      std::erase_if(fdb.late_,
                    [&](const Late& late) { return late.unsent_by == transaction.get(); });
    }
    fdb.deliver_due();
  }
  static void transaction_cancel(FdbTransactionHandle* handle) {
    ScriptedFdb& fdb = *at(handle).owner;
    {
      const Lock lock(fdb.mutex_);
      fdb.note_broken_commit(at(handle));
      fdb.end_watches(at(handle), kTransactionCancelled);
    }
    fdb.deliver_due();
  }
  static FdbErrorCode set_option(FdbTransactionHandle* handle, FdbTransactionOption option,
                                 const uint8_t*, int) {
    if (option == FdbTransactionOption::kReadYourWritesDisable) {
      at(handle).reads_own_writes = false;
    }
    return 0;
  }
  static void set_read_version(FdbTransactionHandle* handle, int64_t version) {
    at(handle).read_version = Version(version);
  }

  // Runs `work` on a new future's answer; it yields the error.
  template <class Work>
  static FdbFutureHandle* read(FdbTransactionHandle* handle, Work work) {
    ScriptedFdb& fdb = *at(handle).owner;
    FuturePtr future;
    FdbErrorCode code = 0;
    {
      const Lock lock(fdb.mutex_);
      future = fdb.make_future();
      fdb.tick();
      code = fdb.next_read_failure();
      if (code == 0) {
        code = work(fdb, at(handle), *future);
      }
    }
    return fdb.answer(future, code);
  }
  static FdbFutureHandle* get_read_version(FdbTransactionHandle* handle) {
    return read(handle, [](ScriptedFdb& fdb, Transaction& transaction, Future& answer) {
      const FdbErrorCode code = fdb.version_of(transaction);
      answer.number = transaction.read_version->get();
      return code;
    });
  }
  static FdbFutureHandle* get(FdbTransactionHandle* handle, const uint8_t* key, int size,
                              FdbBool snapshot) {
    const KeyRange range = KeyRange::single(bytes_of(key, size));
    return read(handle, [&](ScriptedFdb& fdb, Transaction& transaction, Future& answer) {
      Map rows;
      const FdbErrorCode code = fdb.visible_rows(transaction, range, rows);
      if (code == 0) {
        fdb.note_read(transaction, range, snapshot != 0);
        answer.bytes = rows.empty() ? std::nullopt : std::optional(rows.begin()->second);
      }
      return code;
    });
  }
  static FdbFutureHandle* get_key(FdbTransactionHandle* handle, const uint8_t* key, int size,
                                  FdbBool or_equal, int offset, FdbBool snapshot) {
    const KeySelector selector{bytes_of(key, size),
                               or_equal != 0 ? OrEqual::kIncluded : OrEqual::kExcluded, offset};
    return read(handle, [&](ScriptedFdb& fdb, Transaction& transaction, Future& answer) {
      Map rows;
      const FdbErrorCode code = fdb.visible_rows(transaction, kEverything, rows);
      if (code == 0) {
        answer.bytes = name_key(rows, selector);
        fdb.note_read(transaction, passed_by(selector, *answer.bytes), snapshot != 0);
      }
      return code;
    });
  }
  static FdbFutureHandle* get_range(FdbTransactionHandle* handle, const uint8_t* begin,
                                    int begin_size, FdbBool begin_or_equal, int begin_offset,
                                    const uint8_t* end, int end_size, FdbBool end_or_equal,
                                    int end_offset, int rows_max, int bytes_target, int, int,
                                    FdbBool snapshot, FdbBool reverse) {
    const KeySelector first{bytes_of(begin, begin_size),
                            begin_or_equal != 0 ? OrEqual::kIncluded : OrEqual::kExcluded,
                            begin_offset};
    const KeySelector last{bytes_of(end, end_size),
                           end_or_equal != 0 ? OrEqual::kIncluded : OrEqual::kExcluded, end_offset};
    return read(handle, [&](ScriptedFdb& fdb, Transaction& transaction, Future& answer) {
      KeyRange range;
      FdbErrorCode code = fdb.resolve(transaction, first, range.begin);
      if (code == 0) {
        code = fdb.resolve(transaction, last, range.end);
      }
      if (code != 0 || range.empty()) {
        return code;
      }
      return fdb.page(transaction, range, answer, rows_max, bytes_target, snapshot != 0,
                      reverse != 0);
    });
  }

  static void set(FdbTransactionHandle* handle, const uint8_t* key, int key_size,
                  const uint8_t* value, int value_size) {
    at(handle).writes.set(bytes_of(key, key_size), bytes_of(value, value_size));
  }
  static void clear(FdbTransactionHandle* handle, const uint8_t* key, int size) {
    at(handle).writes.clear(bytes_of(key, size));
  }
  static void clear_range(FdbTransactionHandle* handle, const uint8_t* begin, int begin_size,
                          const uint8_t* end, int end_size) {
    at(handle).writes.clear_range({bytes_of(begin, begin_size), bytes_of(end, end_size)});
  }
  static void atomic_op(FdbTransactionHandle* handle, const uint8_t* key_bytes, int key_size,
                        const uint8_t* value_bytes, int value_size, FdbMutation mutation) {
    Bytes key = bytes_of(key_bytes, key_size);
    Bytes value = bytes_of(value_bytes, value_size);
    WriteBuffer& writes = at(handle).writes;
    if (mutation == FdbMutation::kSetVersionstampedKey) {
      const size_t offset = take_offset(key);
      writes.set_versionstamped_key(std::move(key), offset, std::move(value));
    } else if (mutation == FdbMutation::kSetVersionstampedValue) {
      const size_t offset = take_offset(value);
      writes.set_versionstamped_value(std::move(key), std::move(value), offset);
    } else {
      writes.atomic(operation_of(mutation), std::move(key), std::move(value));
    }
  }
  static FdbErrorCode add_conflict(FdbTransactionHandle* handle, const uint8_t* begin,
                                   int begin_size, const uint8_t* end, int end_size,
                                   FdbConflict conflict) {
    Transaction& transaction = at(handle);
    KeyRange range{bytes_of(begin, begin_size), bytes_of(end, end_size)};
    if (conflict == FdbConflict::kWrite) {
      transaction.write_conflicts.add_range(std::move(range));
    } else {
      transaction.owner->note_read(transaction, range, false);
    }
    return 0;
  }

  static FdbFutureHandle* watch(FdbTransactionHandle* handle, const uint8_t* key, int size) {
    ScriptedFdb& fdb = *at(handle).owner;
    FuturePtr future;
    bool refused = false;
    {
      const Lock lock(fdb.mutex_);
      future = fdb.make_future();
      refused = fdb.watches_.size() + at(handle).watches.size() >= fdb.watches_max_;
      if (!refused) {
        static_cast<void>(fdb.version_of(at(handle)));
        at(handle).watches.push_back({bytes_of(key, size), future, std::nullopt});
      }
    }
    return refused ? fdb.answer(future, kTooManyWatches)
                   : reinterpret_cast<FdbFutureHandle*>(future.get());
  }
  // What each watch must differ from: the value with the transaction's own writes.
  static void look_at_watched(ScriptedFdb& fdb, Transaction& transaction) {
    for (PendingWatch& watch : transaction.watches) {
      Map rows;
      const KeyRange range = KeyRange::single(watch.key);
      if (fdb.visible_rows(transaction, range, rows) == 0 && !rows.empty()) {
        watch.seen = rows.begin()->second;
      }
    }
  }

  static FdbFutureHandle* commit(FdbTransactionHandle* handle) {
    Transaction& transaction = at(handle);
    ScriptedFdb& fdb = *transaction.owner;
    FuturePtr future;
    std::vector<FuturePtr> stamps;
    FdbErrorCode code = 0;
    FdbErrorCode stamp_code = 0;
    {
      const Lock lock(fdb.mutex_);
      future = fdb.make_future();
      future->commit = true;
      fdb.tick();
      look_at_watched(fdb, transaction);
      const bool wrote = !transaction.writes.empty() || !transaction.write_conflicts.empty();
      code = fdb.commit(transaction, wrote);
      if (code == 0) {
        fdb.start_watches(transaction);
      } else {
        fdb.end_watches(transaction, code);
      }
      stamps = std::exchange(transaction.stamps, {});
      for (const FuturePtr& stamp : stamps) {
        if (code == 0 && wrote) {
          stamp->bytes = Versionstamp::make(transaction.committed, kBatchOrder).bytes;
        }
      }
      stamp_code = code != 0 ? kNoStamp : wrote ? 0 : kReadOnlyHasNoStamp;
      transaction.committing = future;
    }
    for (const FuturePtr& stamp : stamps) {
      fdb.answer(stamp, stamp_code);
    }
    return fdb.answer(future, code);
  }
  static FdbErrorCode get_committed_version(FdbTransactionHandle* handle, int64_t* out) {
    const Lock lock(at(handle).owner->mutex_);
    *out = at(handle).committed.get();
    return 0;
  }
  static FdbFutureHandle* get_versionstamp(FdbTransactionHandle* handle) {
    ScriptedFdb& fdb = *at(handle).owner;
    FuturePtr future;
    bool late = false;
    {
      const Lock lock(fdb.mutex_);
      future = fdb.make_future();
      late = at(handle).committing != nullptr;
      if (!late) {
        at(handle).stamps.push_back(future);
      }
    }
    return late ? fdb.answer(future, kNoStamp) : reinterpret_cast<FdbFutureHandle*>(future.get());
  }
  static FdbFutureHandle* on_error(FdbTransactionHandle* handle, FdbErrorCode code) {
    ScriptedFdb& fdb = *at(handle).owner;
    const bool again = code == 1021 || is_retryable_not_committed(code);
    FuturePtr future;
    {
      const Lock lock(fdb.mutex_);
      future = fdb.make_future();
      if (again) {
        fdb.reset(at(handle));
      }
    }
    return fdb.answer(future, again ? 0 : code);
  }

  static void future_cancel(FdbFutureHandle* handle) {
    Future& future = at(handle);
    ScriptedFdb& fdb = *future.owner;
    {
      const Lock lock(fdb.mutex_);
      if (future.ready) {
        return;
      }
      fdb.counts_.broken_commits += future.commit ? 1 : 0;
      future.error = kOperationCancelled;
      fdb.due_.push_back(future.self);
    }
    fdb.deliver_due();
  }
  static void future_destroy(FdbFutureHandle* handle) {
    Future& future = at(handle);
    ScriptedFdb& fdb = *future.owner;
    FuturePtr last;
    {
      const Lock lock(fdb.mutex_);
      last = std::exchange(future.self, nullptr);
      future.destroyed = true;
      ++fdb.counts_.futures_destroyed;
      if (!future.ready) {
        // The callback still comes, after the future has gone.
        fdb.counts_.broken_commits += future.commit ? 1 : 0;
        future.error = kOperationCancelled;
        fdb.due_.push_back(last);
      }
      future.bytes.reset();
      future.rows = {};
      future.native_rows = {};
    }
    fdb.deliver_due();
  }
  static FdbErrorCode set_callback(FdbFutureHandle* handle, FdbCallback callback, void* context) {
    Future& future = at(handle);
    {
      const Lock lock(future.owner->mutex_);
      CHECK(future.context == nullptr);
      future.context = context;
      if (!future.ready) {
        future.callback = callback;
        return 0;
      }
      ++future.owner->counts_.callbacks;
    }
    callback(handle, context);
    return 0;
  }
  static FdbErrorCode get_error(FdbFutureHandle* handle) {
    const Lock lock(at(handle).owner->mutex_);
    return at(handle).ready ? at(handle).error : kFutureNotSet;
  }
  static FdbErrorCode get_int64(FdbFutureHandle* handle, int64_t* out) {
    *out = at(handle).number;
    return get_error(handle);
  }
  static FdbErrorCode get_key_answer(FdbFutureHandle* handle, const uint8_t** out, int* size) {
    if (const FdbErrorCode code = get_error(handle); code != 0) {
      return code;
    }
    *out = pointer_to(*at(handle).bytes);
    *size = static_cast<int>(at(handle).bytes->size());
    return 0;
  }
  static FdbErrorCode get_value(FdbFutureHandle* handle, FdbBool* present, const uint8_t** out,
                                int* size) {
    if (const FdbErrorCode code = get_error(handle); code != 0) {
      return code;
    }
    *present = at(handle).bytes.has_value() ? 1 : 0;
    return *present != 0 ? get_key_answer(handle, out, size) : 0;
  }
  static FdbErrorCode get_rows(FdbFutureHandle* handle, const FdbKeyValue** out, int* count,
                               FdbBool* more) {
    Future& future = at(handle);
    future.native_rows.clear();
    for (const KeyValue& row : future.rows) {
      future.native_rows.push_back({pointer_to(row.key), static_cast<int>(row.key.size()),
                                    pointer_to(row.value), static_cast<int>(row.value.size())});
    }
    *out = future.native_rows.data();
    *count = static_cast<int>(future.native_rows.size());
    *more = future.more ? 1 : 0;
    return get_error(handle);
  }

  static FdbErrorCode no_network_option(FdbNetworkOption, const uint8_t*, int) { return 0; }
  static FdbErrorCode no_network() { return 0; }
  static FdbErrorCode no_cluster_file(const char*, FdbDatabaseHandle**) {
    constexpr FdbErrorCode kNoClusterFileFound = 1515;
    return kNoClusterFileFound;
  }

  static void fill_process(FdbApi& api) {
    api.select_api_version_impl = select_api_version;
    api.get_max_api_version = max_api_version;
    api.get_client_version = client_version;
    api.get_error = error_text;
    api.error_predicate = predicate;
    api.network_set_option = no_network_option;
    api.setup_network = no_network;
    api.run_network = no_network;
    api.stop_network = no_network;
    api.create_database = no_cluster_file;
    api.database_destroy = database_destroy;
    api.database_create_transaction = create_transaction;
  }
  static void fill_transaction(FdbApi& api) {
    api.transaction_destroy = transaction_destroy;
    api.transaction_cancel = transaction_cancel;
    api.transaction_set_option = set_option;
    api.transaction_set_read_version = set_read_version;
    api.transaction_get_read_version = get_read_version;
    api.transaction_get = get;
    api.transaction_get_key = get_key;
    api.transaction_get_range = get_range;
    api.transaction_set = set;
    api.transaction_atomic_op = atomic_op;
    api.transaction_clear = clear;
    api.transaction_clear_range = clear_range;
    api.transaction_add_conflict_range = add_conflict;
    api.transaction_watch = watch;
    api.transaction_commit = commit;
    api.transaction_get_committed_version = get_committed_version;
    api.transaction_get_versionstamp = get_versionstamp;
    api.transaction_on_error = on_error;
  }
  static void fill_future(FdbApi& api) {
    api.future_cancel = future_cancel;
    api.future_destroy = future_destroy;
    api.future_set_callback = set_callback;
    api.future_get_error = get_error;
    api.future_get_int64 = get_int64;
    api.future_get_key = get_key_answer;
    api.future_get_value = get_value;
    api.future_get_keyvalue_array = get_rows;
  }
};

FdbApi ScriptedFdb::api() {
  FdbApi api{};
  Table::fill_process(api);
  Table::fill_transaction(api);
  Table::fill_future(api);
  return api;
}

}  // namespace kelpie::store::testing
