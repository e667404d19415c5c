#include "simulator/sign/pdf.hpp"

#include <cstdio>
#include <cstring>

#include <openssl/cms.h>

#include "base/core/bytes.hpp"
#include "simulator/sign/openssl.hpp"

namespace simulator {
namespace {

using CmsPtr = std::unique_ptr<CMS_ContentInfo, Freed<CMS_ContentInfo_free>>;

constexpr std::size_t k_line = 88;             // characters of 9 points in Courier on A4
constexpr std::size_t k_lines = 56;            // of a page
constexpr std::size_t k_signature = 8 * 1024;  // bytes kept free for the CMS

// Letters up to U+00FF, the euro sign and the dashes as WinAnsiEncoding has them; others "?".
std::string to_winansi(std::string_view utf8) {
  static constexpr std::pair<unsigned, int> k_others[] = {{0x20ac, 0x80}, {0x2013, 0x96}, {0x2014, 0x97},
                                                          {0x201e, 0x84}, {0x201c, 0x93}, {0x2026, 0x85}};
  std::string out;
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    unsigned code = size == 1 ? lead : lead & (0xffu >> (size + 1));
    for (std::size_t k = 1; k < size && i + k < utf8.size(); ++k)
      code = code << 6 | (static_cast<unsigned char>(utf8[i + k]) & 0x3fu);
    i += size;
    char letter = code >= 0x20 && code <= 0xff && (code < 0x7f || code >= 0xa0) ? static_cast<char>(code) : '?';
    for (const auto& [point, byte] : k_others)
      if (code == point) letter = static_cast<char>(byte);
    out += letter;
  }
  return out;
}

// A literal string.
std::string quote(std::string_view text) {
  std::string out = "(";
  for (const char c : text) {
    if (c == '(' || c == ')' || c == '\\') out += '\\';
    out += c;
  }
  return out + ")";
}

std::vector<std::string> cut(const std::vector<std::string>& lines) {
  std::vector<std::string> out;
  for (const std::string& line : lines) {
    std::string text = base::is_utf8(line) ? to_winansi(line) : line;
    for (; text.size() > k_line; text.erase(0, k_line)) out.push_back(text.substr(0, k_line));
    out.push_back(text);
  }
  return out;
}

std::string page_content(const std::vector<std::string>& lines, std::size_t first) {
  std::string out = "BT /F1 9 Tf 13 TL 50 790 Td\n";
  for (std::size_t i = first; i < std::min(first + k_lines, lines.size()); ++i) out += quote(lines[i]) + " Tj T*\n";
  return out + "ET\n";
}

// Objects in their order, from 1.
class Writer {
 public:
  void put(std::size_t number, std::string_view content) {
    if (m_offsets.size() < number) m_offsets.resize(number, 0);
    m_offsets[number - 1] = m_out.size();
    m_out += std::to_string(number) + " 0 obj\n";
    m_out += content;
    m_out += "\nendobj\n";
  }
  std::string finish(const std::string& trailer) {
    const std::size_t at = m_out.size();
    m_out += "xref\n0 " + std::to_string(m_offsets.size() + 1) + "\n0000000000 65535 f \n";
    for (const std::size_t offset : m_offsets) {
      char entry[32];
      std::snprintf(entry, sizeof entry, "%010zu 00000 n \n", offset);
      m_out += entry;
    }
    m_out += "trailer\n<< /Size " + std::to_string(m_offsets.size() + 1) + " " + trailer + " >>\nstartxref\n" +
             std::to_string(at) + "\n%%EOF\n";
    return std::move(m_out);
  }

 private:
  // the second line tells programs that bytes follow
  std::string m_out = "%PDF-1.7\n%\xe2\xe3\xcf\xd3\n";
  std::vector<std::size_t> m_offsets;
};

// `signature`: of the signature dictionary, "" for none. Objects: 1 catalogue, 2 pages, 3 font, 4 information, then page and
// content by turns, then field and signature.
std::string write_pdf(const std::string& title, const std::vector<std::string>& text, const std::string& signature) {
  const std::vector<std::string> lines = cut(text);
  const std::size_t pages = std::max<std::size_t>(1, (lines.size() + k_lines - 1) / k_lines), field = 5 + 2 * pages;
  Writer out;
  std::string catalogue = "<< /Type /Catalog /Pages 2 0 R", kids;
  if (!signature.empty()) catalogue += " /AcroForm << /Fields [" + std::to_string(field) + " 0 R] /SigFlags 3 >>";
  out.put(1, catalogue + " >>");
  for (std::size_t i = 0; i < pages; ++i) kids += std::to_string(5 + 2 * i) + " 0 R ";
  out.put(2, "<< /Type /Pages /Count " + std::to_string(pages) + " /Kids [ " + kids + "] >>");
  out.put(3, "<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>");
  out.put(4, "<< /Title " + quote(to_winansi(title)) + " /Producer (amtsbote-demail-sim) >>");
  for (std::size_t i = 0; i < pages; ++i) {
    const bool annotated = i == 0 && !signature.empty();
    out.put(5 + 2 * i, "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >> /Contents " +
                           std::to_string(6 + 2 * i) + " 0 R" +
                           (annotated ? " /Annots [" + std::to_string(field) + " 0 R]" : "") + " >>");
    const std::string content = page_content(lines, i * k_lines);
    out.put(6 + 2 * i, "<< /Length " + std::to_string(content.size()) + " >>\nstream\n" + content + "endstream");
  }
  if (!signature.empty()) {
    out.put(field, "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Signatur) /F 132 /Rect [0 0 0 0] /P 5 0 R /V " +
                       std::to_string(field + 1) + " 0 R >>");
    out.put(field + 1, signature);
  }
  return out.finish("/Root 1 0 R /Info 4 0 R");
}

base::Result<std::string> detached_cms(std::string_view content, const Signer& signer) {
  const X509Ptr certificate = certificate_of(signer.certificate_pem);
  const KeyPtr key = key_of(signer.key_pem);
  const BioPtr in(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
  const CmsPtr cms(CMS_sign(certificate.get(), key.get(), nullptr, in.get(), CMS_BINARY | CMS_DETACHED | CMS_NOSMIMECAP));
  if (!cms) return crypto_error("CMS");
  unsigned char* der = nullptr;
  const int size = i2d_CMS_ContentInfo(cms.get(), &der);
  if (size <= 0) return crypto_error("CMS");
  std::string out(reinterpret_cast<char*>(der), static_cast<std::size_t>(size));
  OPENSSL_free(der);
  return out;
}

// "D:20260301081530Z"
std::string pdf_time(base::Timestamp now) {
  std::string out = "D:";
  for (const char c : base::format_utc(now).substr(0, 19))
    if (c >= '0' && c <= '9') out += c;
  return out + "Z";
}

}  // namespace

std::string make_pdf(const std::string& title, const std::vector<std::string>& lines) { return write_pdf(title, lines, ""); }

base::Result<std::string> make_signed_pdf(const std::string& title, const std::vector<std::string>& lines, const Signer& signer,
                                          base::Timestamp now) {
  // ByteRange is written with blanks, which its figures take the place of once the file's length is known
  const std::string room(44, ' '), hole(2 * k_signature, '0');
  std::string out = write_pdf(title, lines,
                              "<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /adbe.pkcs7.detached /M (" + pdf_time(now) +
                                  ") /ByteRange [" + room + "] /Contents <" + hole + "> >>");
  const std::size_t range = out.rfind("/ByteRange [") + 12, begin = out.rfind("<" + hole), end = begin + hole.size() + 2;
  char figures[64];
  const int size = std::snprintf(figures, sizeof figures, "0 %zu %zu %zu", begin, end, out.size() - end);
  std::memcpy(out.data() + range, figures, static_cast<std::size_t>(size));
  const auto cms = detached_cms(out.substr(0, begin) + out.substr(end), signer);
  if (!cms) return cms;
  if (cms->size() > k_signature) return crypto_error("CMS too large");
  const std::string hex = base::to_hex(*cms);
  std::memcpy(out.data() + begin + 1, hex.data(), hex.size());
  return out;
}

}  // namespace simulator
