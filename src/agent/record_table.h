// RecordTable: records by id, with an index by time and one by name, over one transaction.
//
// A record and its index entries change in one commit, so in one snapshot either all are there or
// none is. T has
//   id                            a string
//   index_micros(), index_name()  where lists and names find it; an empty name: nowhere
//   encode(), decode(bytes)       its stored form
#pragma once

#include <algorithm>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/page.h"
#include "agent/record_io.h"
#include "store/keys.h"

namespace kelpie::agent {

template <class T>
class RecordTable {
 public:
  // `kind` is what errors call a record; it outlives the table.
  RecordTable(RecordIo io, store::keys::Table table, std::string_view kind)
      : io_(io), table_(std::move(table)), kind_(kind) {}

  Task<std::optional<T>> get(std::string id) {
    Bytes key = store::keys::table_record(table_, id);
    co_return co_await io_.load<T>(std::move(key), kind_, std::move(id));
  }

  // Writes the record in place of the one of that id, if there is one; yields that. It is read to
  // find its index entries, so of two writers who overlap one has a conflict.
  Task<std::optional<T>> put(T record) {
    co_await check_id(record.id, std::string(kind_) + " id");
    co_await check_name(record.index_name(), std::string(kind_) + " name");
    std::optional<T> former = co_await get(record.id);
    if (former.has_value()) {
      clear_index(*former);
    }
    io_.transaction().set(time_key(record), Bytes());
    if (!record.index_name().empty()) {
      io_.transaction().set(store::keys::table_name(table_, record.index_name(), record.id),
                            Bytes());
    }
    co_await io_.save(store::keys::table_record(table_, record.id), record.encode());
    co_return std::move(former);
  }

  // Clears the record and its index entries; yields it, or nothing if there was none.
  Task<std::optional<T>> erase(std::string id) {
    std::optional<T> former = co_await get(id);
    if (former.has_value()) {
      clear_index(*former);
      co_await store::clear_chunked(io_.transaction(), store::keys::table_record(table_, id));
    }
    co_return std::move(former);
  }

  // By time, then id.
  Task<std::vector<T>> list(PageRequest request) {
    const PageWalk walk = walk_of(std::move(request));
    store::KeyRange range =
        co_await cut(store::keys::table_times(table_), walk.page,
                     [this](std::string id) { return time_key_of(std::move(id)); });
    std::vector<store::KeyValue> found =
        co_await io_.rows(std::move(range), walk.page.order, walk.page.limit);
    std::vector<T> records;
    for (const store::KeyValue& row : found) {
      records.push_back(co_await indexed(row.key));
    }
    if (walk.turned) {
      std::ranges::reverse(records);
    }
    co_return std::move(records);
  }

  // The record of a row of the time index. data_loss if it is not there, or not of that time.
  Task<T> indexed(Bytes index_key) {
    const std::string id = co_await last_string(index_key);
    std::optional<T> record = co_await get(id);
    if (!record.has_value()) {
      co_return base::data_loss(std::string(kind_) + " " + id + " is indexed but not stored");
    }
    if (time_key(*record) != index_key) {
      co_return base::data_loss(std::string(kind_) + " " + id + " is indexed under another time");
    }
    co_return std::move(*record);
  }

  // Ids of the records of that name.
  Task<std::vector<std::string>> named(std::string name) {
    std::vector<store::KeyValue> found =
        co_await io_.rows(store::keys::table_names(table_, name), store::Order::kForward, SIZE_MAX);
    std::vector<std::string> ids;
    for (const store::KeyValue& row : found) {
      ids.push_back(co_await last_string(row.key));
    }
    co_return std::move(ids);
  }

 private:
  Bytes time_key(const T& record) const {
    return store::keys::table_time(table_, record.index_micros(), record.id);
  }
  Task<std::optional<Bytes>> time_key_of(std::string id) {
    const std::optional<T> record = co_await get(std::move(id));
    co_return record.has_value() ? std::optional<Bytes>(time_key(*record)) : std::nullopt;
  }
  void clear_index(const T& record) {
    io_.transaction().clear(time_key(record));
    io_.transaction().clear(store::keys::table_name(table_, record.index_name(), record.id));
  }

  RecordIo io_;
  store::keys::Table table_;
  std::string_view kind_;
};

}  // namespace kelpie::agent
