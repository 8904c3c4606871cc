// Writing of heads and chunks.
#include <charconv>

#include "base/check.h"
#include "codec/http1.h"
#include "codec/http1_text.h"

namespace kelpie::codec {
namespace {

constexpr std::pair<int, std::string_view> kReasons[] = {
    {100, "Continue"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {402, "Payment Required"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

Result<void> append_headers(std::string& out, const HttpHeaders& headers) {
  for (const auto& [name, value] : headers) {
    // Bytes that end a line here would let whoever chose the value write headers of its own.
    if (!is_token(name) || !is_field_value(value)) {
      return base::invalid_argument(
          "expected a header name that is a token and a value without "
          "control bytes, in header '" +
          name + "'");
    }
    out.append(lower_case(name));
    out.append(": ");
    out.append(value);
    out.append("\r\n");
  }
  out.append("\r\n");
  return kOk;
}

}  // namespace

Result<std::string> write_response_head(int status, const HttpHeaders& headers) {
  if (status < 100 || status > 999) {
    return base::invalid_argument("expected a status from 100 to 999, got " +
                                  std::to_string(status));
  }
  std::string out = "HTTP/1.1 " + std::to_string(status) + " ";
  out.append(reason_phrase(status));
  out.append("\r\n");
  TRY(append_headers(out, headers));
  return out;
}

Result<std::string> write_request_head(std::string_view method, std::string_view target,
                                       const HttpHeaders& headers) {
  const bool plain = target.starts_with('/') && is_field_value(target) &&
                     target.find_first_of(" \t") == std::string_view::npos;
  if (!is_token(method) || !plain) {
    return base::invalid_argument("expected a method that is a token and a target like /path");
  }
  std::string out(method);
  out.append(" ");
  out.append(target);
  out.append(" HTTP/1.1\r\n");
  TRY(append_headers(out, headers));
  return out;
}

std::string write_chunk(ByteView bytes) {
  CHECK(!bytes.empty());
  char size[20];
  const auto [end, code] = std::to_chars(size, size + sizeof size, bytes.size(), 16);
  CHECK(code == std::errc());
  std::string out;
  out.reserve(bytes.size() + 24);
  out.append(size, end);
  out.append("\r\n");
  out.append(bytes);
  out.append("\r\n");
  return out;
}

std::string_view reason_phrase(int status) {
  for (const auto& [known, phrase] : kReasons) {
    if (known == status) {
      return phrase;
    }
  }
  return "Status";
}

}  // namespace kelpie::codec
