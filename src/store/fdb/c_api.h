// The part of FoundationDB's C API that Kelpie uses, in our own words: handles, the numbers of its
// options, and a table of its functions. The library is loaded while the program runs (load.h), so
// nothing of FoundationDB is needed to build; tests fill the table with a library of their own.
//
// Source: FoundationDB's C API reference, versions 710 to 730. Functions may be called on any
// thread, but for the network's, which load.h and network.h call.
#pragma once

#include <cstdint>

namespace kelpie::store {

// Handles; each is destroyed exactly once, by its own `..._destroy`.
struct FdbFutureHandle;
struct FdbDatabaseHandle;
struct FdbTransactionHandle;

// 0 is success; the numbers are in errors.cc.
using FdbErrorCode = int;
using FdbBool = int;
using FdbCallback = void (*)(FdbFutureHandle* future, void* context);

#pragma pack(push, 4)
struct FdbKeyValue {
  const uint8_t* key;
  int key_bytes;
  const uint8_t* value;
  int value_bytes;
};
#pragma pack(pop)
static_assert(sizeof(FdbKeyValue) == 24);

enum class FdbNetworkOption : int {
  kTraceEnable = 30,  // a directory
  kTraceFormat = 34,  // xml or json
  kKnob = 40,         // name=value
  kTlsCertPath = 43,
  kTlsKeyPath = 46,
  kTlsVerifyPeers = 47,
  kTlsCaPath = 53,
  kTlsPassword = 54,  // before the key
  kClientBuggifyEnable = 80,
  kClientBuggifySectionActivatedProbability = 82,  // percent, 8 bytes little endian
  kClientBuggifySectionFiredProbability = 83,      // percent, 8 bytes little endian
};

enum class FdbTransactionOption : int {
  kReadYourWritesDisable = 51,  // before any read or write
  kPrioritySystemImmediate = 200,
  kPriorityBatch = 201,
};

enum class FdbMutation : int {
  kAdd = 2,
  kBitAnd = 6,
  kBitOr = 7,
  kBitXor = 8,
  kAppendIfFits = 9,
  kMax = 12,
  kMin = 13,
  // The last four bytes of the key (or of the value) are the stamp's offset, little endian.
  kSetVersionstampedKey = 14,
  kSetVersionstampedValue = 15,
  kByteMin = 16,
  kByteMax = 17,
  kCompareAndClear = 20,
};

enum class FdbConflict : int { kRead = 0, kWrite = 1 };

// Of a range read: exactly as many rows and bytes as were asked for, as far as they come at once.
inline constexpr int kFdbStreamingExact = 0;

enum class FdbPredicate : int {
  kRetryable = 50'000,
  kMaybeCommitted = 50'001,
  kRetryableNotCommitted = 50'002,
};

// Each member is the function `fdb_<name>`. Pointers that a `future_get_...` yields die with the
// future. An option without a value takes nullptr and 0.
struct FdbApi {
  FdbErrorCode (*select_api_version_impl)(int runtime_version, int header_version);
  int (*get_max_api_version)();
  const char* (*get_client_version)();
  const char* (*get_error)(FdbErrorCode code);
  FdbBool (*error_predicate)(FdbPredicate predicate, FdbErrorCode code);

  FdbErrorCode (*network_set_option)(FdbNetworkOption option, const uint8_t* value, int bytes);
  FdbErrorCode (*setup_network)();
  FdbErrorCode (*run_network)();  // returns after stop_network
  FdbErrorCode (*stop_network)();

  FdbErrorCode (*create_database)(const char* cluster_file, FdbDatabaseHandle** out);
  void (*database_destroy)(FdbDatabaseHandle* database);
  FdbErrorCode (*database_create_transaction)(FdbDatabaseHandle* database,
                                              FdbTransactionHandle** out);

  void (*transaction_destroy)(FdbTransactionHandle* transaction);
  void (*transaction_cancel)(FdbTransactionHandle* transaction);
  FdbErrorCode (*transaction_set_option)(FdbTransactionHandle* transaction,
                                         FdbTransactionOption option, const uint8_t* value,
                                         int bytes);
  void (*transaction_set_read_version)(FdbTransactionHandle* transaction, int64_t version);
  FdbFutureHandle* (*transaction_get_read_version)(FdbTransactionHandle* transaction);
  FdbFutureHandle* (*transaction_get)(FdbTransactionHandle* transaction, const uint8_t* key,
                                      int key_bytes, FdbBool snapshot);
  FdbFutureHandle* (*transaction_get_key)(FdbTransactionHandle* transaction, const uint8_t* key,
                                          int key_bytes, FdbBool or_equal, int offset,
                                          FdbBool snapshot);
  FdbFutureHandle* (*transaction_get_range)(FdbTransactionHandle* transaction, const uint8_t* begin,
                                            int begin_bytes, FdbBool begin_or_equal,
                                            int begin_offset, const uint8_t* end, int end_bytes,
                                            FdbBool end_or_equal, int end_offset, int rows_max,
                                            int bytes_target, int streaming_mode, int iteration,
                                            FdbBool snapshot, FdbBool reverse);
  void (*transaction_set)(FdbTransactionHandle* transaction, const uint8_t* key, int key_bytes,
                          const uint8_t* value, int value_bytes);
  void (*transaction_atomic_op)(FdbTransactionHandle* transaction, const uint8_t* key,
                                int key_bytes, const uint8_t* operand, int operand_bytes,
                                FdbMutation mutation);
  void (*transaction_clear)(FdbTransactionHandle* transaction, const uint8_t* key, int key_bytes);
  void (*transaction_clear_range)(FdbTransactionHandle* transaction, const uint8_t* begin,
                                  int begin_bytes, const uint8_t* end, int end_bytes);
  FdbErrorCode (*transaction_add_conflict_range)(FdbTransactionHandle* transaction,
                                                 const uint8_t* begin, int begin_bytes,
                                                 const uint8_t* end, int end_bytes,
                                                 FdbConflict conflict);
  FdbFutureHandle* (*transaction_watch)(FdbTransactionHandle* transaction, const uint8_t* key,
                                        int key_bytes);
  FdbFutureHandle* (*transaction_commit)(FdbTransactionHandle* transaction);
  FdbErrorCode (*transaction_get_committed_version)(FdbTransactionHandle* transaction,
                                                    int64_t* out);
  FdbFutureHandle* (*transaction_get_versionstamp)(FdbTransactionHandle* transaction);
  FdbFutureHandle* (*transaction_on_error)(FdbTransactionHandle* transaction, FdbErrorCode code);

  void (*future_cancel)(FdbFutureHandle* future);
  void (*future_destroy)(FdbFutureHandle* future);
  FdbErrorCode (*future_set_callback)(FdbFutureHandle* future, FdbCallback callback, void* context);
  FdbErrorCode (*future_get_error)(FdbFutureHandle* future);
  FdbErrorCode (*future_get_int64)(FdbFutureHandle* future, int64_t* out);
  FdbErrorCode (*future_get_key)(FdbFutureHandle* future, const uint8_t** out, int* out_bytes);
  FdbErrorCode (*future_get_value)(FdbFutureHandle* future, FdbBool* out_present,
                                   const uint8_t** out, int* out_bytes);
  FdbErrorCode (*future_get_keyvalue_array)(FdbFutureHandle* future, const FdbKeyValue** out,
                                            int* out_rows, FdbBool* out_more);
};

}  // namespace kelpie::store
