#include "app/backup.h"

#include <fmt/format.h>

#include <cstdio>
#include <optional>
#include <utility>
#include <variant>

#include "app/backup_files.h"
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
    co_return refusal_of(response.status, body.ok() ? *body : "", url);
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
  net::Headers headers = TRY(key_headers(request.server.api_key));
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
    net::HttpClient client(real.world(), {.ca_file = request.server.ca_file});
    net::ClientRequest asked{.url = url_at(request.server, std::string(kPath)),
                             .headers = std::move(headers)};
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
