// Writing of heads and chunks.
#include <charconv>

#include "base/check.h"
#include "codec/http1.h"
#include "codec/http1_text.h"

namespace kelpie::codec {
namespace {

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
  switch (status) {
    case 100:
      return "Continue";
    case 200:
      return "OK";
    case 201:
      return "Created";
    case 202:
      return "Accepted";
    case 204:
      return "No Content";
    case 206:
      return "Partial Content";
    case 301:
      return "Moved Permanently";
    case 302:
      return "Found";
    case 304:
      return "Not Modified";
    case 307:
      return "Temporary Redirect";
    case 308:
      return "Permanent Redirect";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 402:
      return "Payment Required";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 406:
      return "Not Acceptable";
    case 408:
      return "Request Timeout";
    case 409:
      return "Conflict";
    case 410:
      return "Gone";
    case 411:
      return "Length Required";
    case 413:
      return "Content Too Large";
    case 415:
      return "Unsupported Media Type";
    case 417:
      return "Expectation Failed";
    case 422:
      return "Unprocessable Content";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 501:
      return "Not Implemented";
    case 502:
      return "Bad Gateway";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Status";
  }
}

}  // namespace kelpie::codec
