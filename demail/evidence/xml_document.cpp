#include "demail/evidence/xml_document.hpp"

#include <libxml/parser.h>
#include <libxml/xmlerror.h>

namespace demail {
namespace {

const char* chars(const xmlChar* text) { return text == nullptr ? "" : reinterpret_cast<const char*>(text); }

struct FreeParser {
  void operator()(xmlParserCtxt* parser) const { xmlFreeParserCtxt(parser); }
};

// A DOCTYPE ends the reading: what it declares is never looked at.
void refuse_doctype(void* context, const xmlChar*, const xmlChar*, const xmlChar*) {
  auto* parser = static_cast<xmlParserCtxt*>(context);
  *static_cast<bool*>(parser->_private) = true;
  xmlStopParser(parser);
}

bool has_comments(xmlDoc* document) {
  for (xmlNode* node = document->children; node != nullptr; node = next_in_document(node, nullptr))
    if (node->type == XML_COMMENT_NODE) return true;
  return false;
}

}  // namespace

ParsedXml parse_xml(base::ByteView bytes) {
  initialise_xml();
  ParsedXml out;
  const std::unique_ptr<xmlParserCtxt, FreeParser> parser(xmlNewParserCtxt());
  if (bytes.size() > k_max_confirmation_xml || bytes.empty() || !parser) {
    out.findings.insert(XmlFinding::malformed);
    return out;
  }
  bool doctype = false;
  parser->_private = &doctype;
  parser->sax->internalSubset = refuse_doctype;
  // never NOENT, DTDLOAD or HUGE: the last lifts the limits on nesting and sizes
  out.document.reset(xmlCtxtReadMemory(parser.get(), bytes.data(), static_cast<int>(bytes.size()), nullptr, nullptr,
                                       XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING));
  if (doctype) {
    out.findings.insert(XmlFinding::has_dtd);
    out.document.reset();
  } else if (!out.document || xmlDocGetRootElement(out.document.get()) == nullptr) {
    const int code = parser->lastError.code;
    const bool entity = code == XML_ERR_UNDECLARED_ENTITY || code == XML_WAR_UNDECLARED_ENTITY;
    out.findings.insert(entity ? XmlFinding::has_entities : XmlFinding::malformed);
    out.document.reset();
  } else if (has_comments(out.document.get())) {
    out.findings.insert(XmlFinding::has_comments);
  }
  return out;
}

bool is_element(const xmlNode* node, std::string_view name_space, std::string_view name) {
  return node != nullptr && node->type == XML_ELEMENT_NODE && chars(node->name) == name && node->ns != nullptr &&
         chars(node->ns->href) == name_space;
}

std::vector<xmlNode*> elements_of(const xmlNode* parent) {
  std::vector<xmlNode*> out;
  for (xmlNode* node = parent->children; node != nullptr; node = node->next)
    if (node->type == XML_ELEMENT_NODE) out.push_back(node);
  return out;
}

std::optional<std::string> attribute_of(const xmlNode* element, const char* name) {
  xmlChar* value = xmlGetNoNsProp(element, reinterpret_cast<const xmlChar*>(name));
  if (value == nullptr) return std::nullopt;
  std::string out = chars(value);
  xmlFree(value);
  return out;
}

std::optional<std::string> text_of(const xmlNode* element) {
  std::string out;
  for (const xmlNode* node = element->children; node != nullptr; node = node->next) {
    if (node->type != XML_TEXT_NODE && node->type != XML_CDATA_SECTION_NODE) return std::nullopt;
    out += chars(node->content);
  }
  return out;
}

xmlNode* next_in_document(xmlNode* node, const xmlNode* root) {
  const bool descends = node->type == XML_ELEMENT_NODE && node->children != nullptr;
  if (descends) return node->children;
  while (node != root && node->next == nullptr) {
    node = node->parent;
    if (node == nullptr || node->type == XML_DOCUMENT_NODE) return nullptr;
  }
  return node == root ? nullptr : node->next;
}

}  // namespace demail
