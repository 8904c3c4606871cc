#include "app/backup.h"

#include <fmt/format.h>

#include <boost/json/object.hpp>
#include <cstdio>
#include <optional>
#include <utility>
#include <variant>

#include "app/backup_files.h"
#include "codec/json.h"
#include "net/http_client.h"
#include "real/process.h"
#include "real/real_log.h"
#include "real/real_loop.h"
#include "real/real_world.h"
#include "store/backup_format.h"

namespace kelpie::app {
namespace {

constexpr std::string_view kPath = "/v1/kelpie/backup";
constexpr size_t kErrorBytesMax = 64 * 1024;

// What the server says about an answer that is no backup.
Error refused(int status, const std::string& body, const std::string& url) {
  std::string detail = body.substr(0, 500);
  auto parsed = codec::parse_json(body);
  if (parsed.ok() && parsed->is_object()) {
    const boost::json::value* value = parsed->as_object().if_contains("detail");
    if (value != nullptr && value->is_string()) {
      detail = std::string(value->as_string());
    }
  }
  std::string text = "the server at " + url + " answered " + std::to_string(status);
  text += detail.empty() ? "" : ": " + detail;
  if (status == 401) {
    text += "; give its key with --api-key-file or KELPIE_API_KEY";
  }
  return base::unavailable(std::move(text));
}

// What has arrived: written as it is, and checked.
struct Arrival {
  NewFile file;
  store::BackupDecoder decoder;
  uint64_t file_bytes = 0;
  store::BackupHeader header;
  std::optional<store::BackupEnd> end;

  Result<void> take(const std::string& piece) {
    TRY(file.write(piece));
    file_bytes += piece.size();
    decoder.feed(piece);
    for (;;) {
      const auto part = TRY(decoder.next());
      if (!part) {
        return kOk;
      }
      if (const auto* header_part = std::get_if<store::BackupHeader>(&*part)) {
        header = *header_part;
      } else if (const auto* end_part = std::get_if<store::BackupEnd>(&*part)) {
        end = *end_part;
      }
    }
  }
};

Task<void> receive(net::HttpClient& client, net::ClientRequest request, Arrival& arrival) {
  const std::string url = request.url;
  net::ClientResponse response = co_await client.send(std::move(request));
  if (response.status != 200) {
    auto body = co_await net::read_all(*response.body, kErrorBytesMax).result();
    co_return refused(response.status, body.ok() ? *body : "", url);
  }
  for (;;) {
    auto piece = co_await response.body->next().result();
    if (!piece.ok()) {
      co_return std::move(piece).error().with_context(
          "the backup did not arrive whole; nothing is kept of it");
    }
    if (!piece->has_value()) {
      break;
    }
    co_await arrival.take(**piece);
  }
  co_await arrival.decoder.finish();
  CHECK(arrival.end.has_value());
  co_return kOk;
}

Result<std::string> key_of(const ApiKeyChoice& choice) {
  if (choice.file.empty()) {
    return choice.key;
  }
  real::KeyFile file = TRY(real::read_key_file(choice.file));
  if (!file.warning.empty()) {
    fmt::print(stderr, "kelpie: {}\n", file.warning);
  }
  return std::move(file.key);
}

}  // namespace

std::string url_of(const world::Address& listen) {
  world::Address reached = listen;
  if (reached.host == "0.0.0.0") {
    reached.host = "127.0.0.1";
  } else if (reached.host == "::") {
    reached.host = "::1";
  }
  return "http://" + reached.to_string();
}

Result<void> run_backup(const BackupRequest& request) {
  const std::string key = TRY(key_of(request.api_key));
  TRY(prepare_backup_directory(request.directory));
  const std::string rows = request.directory + "/" + std::string(kRowsFile);
  const std::string manifest = request.directory + "/" + std::string(kManifestFile);
  Arrival arrival{.file = TRY(NewFile::create(rows)),
                  .decoder = {},
                  .file_bytes = 0,
                  .header = {},
                  .end = std::nullopt};

  real::ignore_broken_pipes();
  real::RealLog log(real::LogOptions{.level = world::LogLevel::kWarn});
  real::RealLoop loop;
  real::RealWorld real(loop, log, world::NodeName("backup"));
  {
    net::HttpClient client(real.world(), {.ca_file = request.ca_file});
    std::string url = request.server_url;
    while (url.ends_with('/')) {
      url.pop_back();
    }
    net::ClientRequest asked{.url = url + std::string(kPath)};
    if (!key.empty()) {
      asked.headers.emplace_back("authorization", "Bearer " + key);
    }
    TRY(loop.run(receive(client, std::move(asked), arrival)));
  }

  // The rows get their name last: a directory that has them has everything.
  NewFile described = TRY(NewFile::create(manifest));
  TRY(described.write(backup_manifest(arrival.header, *arrival.end, arrival.file_bytes)));
  TRY(std::move(described).commit());
  TRY(std::move(arrival.file).commit());
  fmt::print("backup of store {} at version {}: {} rows, {} bytes, in {}\n",
             arrival.header.store_id, arrival.header.version.get(), arrival.end->sum.rows,
             arrival.file_bytes, rows);
  return kOk;
}

}  // namespace kelpie::app
