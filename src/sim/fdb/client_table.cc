// The functions of FoundationDB's C API, over FdbClient.
#include <algorithm>
#include <array>
#include <utility>

#include "base/check.h"
#include "sim/fdb/client_state.h"

namespace kelpie::sim {

using store::FdbApi;
using store::FdbBool;
using store::FdbDatabaseHandle;
using store::FdbErrorCode;
using store::FdbFutureHandle;
using store::FdbMutation;
using store::FdbTransactionHandle;

namespace {

using ClientPtr = std::shared_ptr<FdbClient>;

Bytes copy_of(const uint8_t* bytes, int size) {
  return {reinterpret_cast<const char*>(bytes), static_cast<size_t>(size)};
}

const uint8_t* address_of(const Bytes& bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

store::KeySelector selector_of(const uint8_t* key, int size, FdbBool or_equal, int offset) {
  return {copy_of(key, size), or_equal != 0 ? store::OrEqual::kIncluded : store::OrEqual::kExcluded,
          offset};
}

store::Isolation isolation_of(FdbBool snapshot) {
  return snapshot != 0 ? store::Isolation::kSnapshot : store::Isolation::kSerializable;
}

constexpr std::array<std::pair<FdbMutation, store::AtomicOp>, 10> kOperations = {{
    {FdbMutation::kAdd, store::AtomicOp::kAdd},
    {FdbMutation::kBitAnd, store::AtomicOp::kBitAnd},
    {FdbMutation::kBitOr, store::AtomicOp::kBitOr},
    {FdbMutation::kBitXor, store::AtomicOp::kBitXor},
    {FdbMutation::kAppendIfFits, store::AtomicOp::kAppendIfFits},
    {FdbMutation::kMax, store::AtomicOp::kMax},
    {FdbMutation::kMin, store::AtomicOp::kMin},
    {FdbMutation::kByteMin, store::AtomicOp::kByteMin},
    {FdbMutation::kByteMax, store::AtomicOp::kByteMax},
    {FdbMutation::kCompareAndClear, store::AtomicOp::kCompareAndClear},
}};

// The stamp's place follows the bytes: four bytes, little endian.
size_t cut_offset(Bytes& bytes) {
  CHECK(bytes.size() >= 4);
  size_t offset = 0;
  for (size_t i = 4; i > 0; --i) {
    offset = offset << 8 | static_cast<unsigned char>(bytes[bytes.size() - 5 + i]);
  }
  bytes.resize(bytes.size() - 4);
  return offset;
}

}  // namespace

struct FdbClient::Table {
  static ClientPtr& at(FdbDatabaseHandle* handle) { return *reinterpret_cast<ClientPtr*>(handle); }
  static Transaction& at(FdbTransactionHandle* handle) {
    return *reinterpret_cast<Transaction*>(handle);
  }
  static Future& at(FdbFutureHandle* handle) {
    Future& future = *reinterpret_cast<Future*>(handle);
    CHECK(!future.destroyed);
    return future;
  }
  template <class Write>
  static void step(FdbTransactionHandle* handle, Write write) {
    at(handle).steps.push_back({.write = std::move(write), .watched = {}, .watch = {}});
  }

  // The process's part.
  static FdbErrorCode select_api_version(int, int) { return 0; }
  static int max_api_version() { return 730; }
  static const char* client_version() { return "simulated"; }
  static const char* error_text(FdbErrorCode) { return "simulated"; }
  static FdbBool predicate(store::FdbPredicate predicate, FdbErrorCode code) {
    const bool maybe = may_have_committed(code);
    const bool not_committed = is_retryable_not_committed(code);
    switch (predicate) {
      case store::FdbPredicate::kRetryable:
        return maybe || not_committed ? 1 : 0;
      case store::FdbPredicate::kMaybeCommitted:
        return maybe ? 1 : 0;
      case store::FdbPredicate::kRetryableNotCommitted:
        return not_committed ? 1 : 0;
    }
    return 0;
  }
  static FdbErrorCode network_option(store::FdbNetworkOption, const uint8_t*, int) { return 0; }
  static FdbErrorCode network() { return 0; }
  static FdbErrorCode create_database(const char*, FdbDatabaseHandle**) {
    return fdb_code::kNoClusterFile;
  }
  static void database_destroy(FdbDatabaseHandle* handle) { delete &at(handle); }

  // Transactions.
  static FdbErrorCode create_transaction(FdbDatabaseHandle* handle, FdbTransactionHandle** out) {
    const ClientPtr client = at(handle);
    auto transaction = std::make_shared<Transaction>();
    transaction->client = client;
    transaction->self = transaction;
    transaction->attempt = FdbAttemptId(++client->numbers_);
    ++client->counts_.transactions_made;
    *out = reinterpret_cast<FdbTransactionHandle*>(transaction.get());
    return 0;
  }
  static void transaction_destroy(FdbTransactionHandle* handle) {
    const std::shared_ptr<Transaction> transaction = at(handle).self;
    ++transaction->client->counts_.transactions_destroyed;
    transaction->client->end_attempt(*transaction);
    transaction->self.reset();
  }
  static void transaction_cancel(FdbTransactionHandle* handle) {
    at(handle).client->end_attempt(at(handle));
  }
  static FdbErrorCode set_option(FdbTransactionHandle* handle, store::FdbTransactionOption option,
                                 const uint8_t*, int) {
    store::TransactionOptions& options = at(handle).options;
    switch (option) {
      case store::FdbTransactionOption::kReadYourWritesDisable:
        options.read_your_writes = store::ReadYourWrites::kOff;
        break;
      case store::FdbTransactionOption::kPrioritySystemImmediate:
        options.priority = store::Priority::kImmediate;
        break;
      case store::FdbTransactionOption::kPriorityBatch:
        options.priority = store::Priority::kBatch;
        break;
    }
    return 0;
  }
  static void set_read_version(FdbTransactionHandle* handle, int64_t version) {
    at(handle).read_version = store::Version(version);
  }

  static FdbFutureHandle* read(FdbTransactionHandle* handle, FdbRequest request) {
    return at(handle).client->ask(at(handle), Kind::kRead, std::move(request));
  }
  static FdbFutureHandle* get_read_version(FdbTransactionHandle* handle) {
    return read(handle, {.kind = FdbRequest::Kind::kReadVersion});
  }
  static FdbFutureHandle* get(FdbTransactionHandle* handle, const uint8_t* key, int size,
                              FdbBool snapshot) {
    return read(handle, {.kind = FdbRequest::Kind::kGet,
                         .begin = {.key = copy_of(key, size)},
                         .read = {.range = {}, .isolation = isolation_of(snapshot)}});
  }
  static FdbFutureHandle* get_key(FdbTransactionHandle* handle, const uint8_t* key, int size,
                                  FdbBool or_equal, int offset, FdbBool snapshot) {
    return read(handle, {.kind = FdbRequest::Kind::kGetKey,
                         .begin = selector_of(key, size, or_equal, offset),
                         .read = {.range = {}, .isolation = isolation_of(snapshot)}});
  }
  static FdbFutureHandle* get_range(FdbTransactionHandle* handle, const uint8_t* begin,
                                    int begin_size, FdbBool begin_or_equal, int begin_offset,
                                    const uint8_t* end, int end_size, FdbBool end_or_equal,
                                    int end_offset, int rows_max, int bytes_target, int, int,
                                    FdbBool snapshot, FdbBool reverse) {
    const store::RangeRead range{
        .range = {},
        .rows_max = static_cast<size_t>(rows_max),
        .bytes_max = static_cast<size_t>(bytes_target),
        .order = reverse != 0 ? store::Order::kReverse : store::Order::kForward,
        .isolation = isolation_of(snapshot)};
    return read(handle, {.kind = FdbRequest::Kind::kGetRange,
                         .begin = selector_of(begin, begin_size, begin_or_equal, begin_offset),
                         .end = selector_of(end, end_size, end_or_equal, end_offset),
                         .read = range});
  }

  static void set(FdbTransactionHandle* handle, const uint8_t* key, int key_size,
                  const uint8_t* value, int value_size) {
    at(handle).writes = true;
    step(handle, [key = copy_of(key, key_size), value = copy_of(value, value_size)](
                     store::Transaction& to) { to.set(key, value); });
  }
  static void clear(FdbTransactionHandle* handle, const uint8_t* key, int size) {
    at(handle).writes = true;
    step(handle, [key = copy_of(key, size)](store::Transaction& to) { to.clear(key); });
  }
  static void clear_range(FdbTransactionHandle* handle, const uint8_t* begin, int begin_size,
                          const uint8_t* end, int end_size) {
    at(handle).writes = true;
    step(handle, [range = store::KeyRange{copy_of(begin, begin_size), copy_of(end, end_size)}](
                     store::Transaction& to) { to.clear_range(range); });
  }
  static void atomic_op(FdbTransactionHandle* handle, const uint8_t* key_bytes, int key_size,
                        const uint8_t* operand_bytes, int operand_size, FdbMutation mutation) {
    at(handle).writes = true;
    Bytes key = copy_of(key_bytes, key_size);
    Bytes operand = copy_of(operand_bytes, operand_size);
    if (mutation == FdbMutation::kSetVersionstampedKey) {
      const size_t offset = cut_offset(key);
      step(handle,
           [=](store::Transaction& to) { to.set_versionstamped_key(key, offset, operand); });
      return;
    }
    if (mutation == FdbMutation::kSetVersionstampedValue) {
      const size_t offset = cut_offset(operand);
      step(handle,
           [=](store::Transaction& to) { to.set_versionstamped_value(key, operand, offset); });
      return;
    }
    const auto* const found =
        std::ranges::find(kOperations, mutation, &decltype(kOperations)::value_type::first);
    CHECK(found != kOperations.end());
    step(handle, [op = found->second, key, operand](store::Transaction& to) {
      to.atomic(op, key, operand);
    });
  }
  static FdbErrorCode add_conflict(FdbTransactionHandle* handle, const uint8_t* begin,
                                   int begin_size, const uint8_t* end, int end_size,
                                   store::FdbConflict conflict) {
    store::KeyRange range{copy_of(begin, begin_size), copy_of(end, end_size)};
    if (conflict == store::FdbConflict::kWrite) {
      at(handle).writes = true;
      step(handle,
           [range = std::move(range)](store::Transaction& to) { to.add_write_conflict(range); });
    } else {
      step(handle,
           [range = std::move(range)](store::Transaction& to) { to.add_read_conflict(range); });
    }
    return 0;
  }
  static FdbFutureHandle* watch(FdbTransactionHandle* handle, const uint8_t* key, int size) {
    return at(handle).client->watch(at(handle), copy_of(key, size));
  }
  static FdbFutureHandle* commit(FdbTransactionHandle* handle) {
    return at(handle).client->commit(at(handle));
  }
  static FdbErrorCode get_committed_version(FdbTransactionHandle* handle, int64_t* out) {
    *out = at(handle).committed.get();
    return 0;
  }
  static FdbFutureHandle* get_versionstamp(FdbTransactionHandle* handle) {
    Transaction& transaction = at(handle);
    const FuturePtr future = transaction.client->make_future(Kind::kStamp);
    if (transaction.committing == nullptr) {
      transaction.stamps.push_back(future);
    } else {
      transaction.client->end_soon(future, fdb_code::kNoStamp);
    }
    return reinterpret_cast<FdbFutureHandle*>(future.get());
  }
  static FdbFutureHandle* on_error(FdbTransactionHandle* handle, FdbErrorCode code) {
    return at(handle).client->back_off(at(handle), code);
  }

  // Futures.
  static void let_go(const FuturePtr& future) {
    FdbClient& client = *future->client;
    if (future->missed) {
      client.count_marks(*future);
    }
    if (!future->ready && client.alive()) {
      client.counts_.broken_commits += future->kind == Kind::kCommit ? 1 : 0;
      if (future->kind == Kind::kWatch) {
        client.drop_watch(*future);
      }
      client.end_soon(future, fdb_code::kOperationCancelled);
    }
  }
  static void future_cancel(FdbFutureHandle* handle) { let_go(at(handle).self); }
  static void future_destroy(FdbFutureHandle* handle) {
    Future& future = at(handle);
    const FuturePtr last = std::exchange(future.self, nullptr);
    future.destroyed = true;
    ++future.client->counts_.futures_destroyed;
    let_go(last);
  }
  static FdbErrorCode set_callback(FdbFutureHandle* handle, store::FdbCallback callback,
                                   void* context) {
    Future& future = at(handle);
    CHECK(future.context == nullptr);
    future.callback = callback;
    future.context = context;
    if (future.ready) {
      future.client->run_callback(future);
    }
    return 0;
  }
  static FdbErrorCode get_error(FdbFutureHandle* handle) {
    Future& future = at(handle);
    if (!future.ready) {
      return fdb_code::kFutureNotSet;
    }
    future.client->count_marks(future);
    return future.answer.code;
  }
  static FdbErrorCode get_int64(FdbFutureHandle* handle, int64_t* out) {
    *out = at(handle).answer.version.get();
    return get_error(handle);
  }
  static FdbErrorCode get_bytes(FdbFutureHandle* handle, const uint8_t** out, int* size) {
    if (const FdbErrorCode code = get_error(handle); code != 0) {
      return code;
    }
    const Bytes& bytes = *at(handle).answer.bytes;
    *out = address_of(bytes);
    *size = static_cast<int>(bytes.size());
    return 0;
  }
  static FdbErrorCode get_value(FdbFutureHandle* handle, FdbBool* present, const uint8_t** out,
                                int* size) {
    if (const FdbErrorCode code = get_error(handle); code != 0) {
      return code;
    }
    *present = at(handle).answer.bytes.has_value() ? 1 : 0;
    return *present != 0 ? get_bytes(handle, out, size) : 0;
  }
  static FdbErrorCode get_rows(FdbFutureHandle* handle, const store::FdbKeyValue** out, int* count,
                               FdbBool* more) {
    Future& future = at(handle);
    future.native_rows.clear();
    for (const store::KeyValue& row : future.answer.page.rows) {
      future.native_rows.push_back({address_of(row.key), static_cast<int>(row.key.size()),
                                    address_of(row.value), static_cast<int>(row.value.size())});
    }
    *out = future.native_rows.data();
    *count = static_cast<int>(future.native_rows.size());
    *more = future.answer.page.more ? 1 : 0;
    return get_error(handle);
  }

  static FdbApi api() {
    return {
        .select_api_version_impl = select_api_version,
        .get_max_api_version = max_api_version,
        .get_client_version = client_version,
        .get_error = error_text,
        .error_predicate = predicate,
        .network_set_option = network_option,
        .setup_network = network,
        .run_network = network,
        .stop_network = network,
        .create_database = create_database,
        .database_destroy = database_destroy,
        .database_create_transaction = create_transaction,
        .transaction_destroy = transaction_destroy,
        .transaction_cancel = transaction_cancel,
        .transaction_set_option = set_option,
        .transaction_set_read_version = set_read_version,
        .transaction_get_read_version = get_read_version,
        .transaction_get = get,
        .transaction_get_key = get_key,
        .transaction_get_range = get_range,
        .transaction_set = set,
        .transaction_atomic_op = atomic_op,
        .transaction_clear = clear,
        .transaction_clear_range = clear_range,
        .transaction_add_conflict_range = add_conflict,
        .transaction_watch = watch,
        .transaction_commit = commit,
        .transaction_get_committed_version = get_committed_version,
        .transaction_get_versionstamp = get_versionstamp,
        .transaction_on_error = on_error,
        .future_cancel = future_cancel,
        .future_destroy = future_destroy,
        .future_set_callback = set_callback,
        .future_get_error = get_error,
        .future_get_int64 = get_int64,
        .future_get_key = get_bytes,
        .future_get_value = get_value,
        .future_get_keyvalue_array = get_rows,
    };
  }
};

std::shared_ptr<store::FdbConnection> FdbClient::connection() {
  return std::make_shared<store::FdbConnection>(
      std::make_shared<const FdbApi>(Table::api()),
      reinterpret_cast<FdbDatabaseHandle*>(new ClientPtr(shared_from_this())));
}

}  // namespace kelpie::sim
