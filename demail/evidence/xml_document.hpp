// XML from outside as a tree, or nothing: no network, no DTD, no entities, nesting as libxml2 limits it. Inside demail/evidence
// only.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <libxml/tree.h>

#include "demail/evidence/xml_signature.hpp"

namespace demail {

struct FreeDocument {
  void operator()(xmlDoc* document) const { xmlFreeDoc(document); }
};
using DocumentPtr = std::unique_ptr<xmlDoc, FreeDocument>;

struct ParsedXml {
  DocumentPtr document;           // null where it could not be, or must not be, read
  std::set<XmlFinding> findings;  // also those that do not forbid reading it: comments
};
ParsedXml parse_xml(base::ByteView bytes);

// The element's local name and namespace are these.
bool is_element(const xmlNode* node, std::string_view name_space, std::string_view name);
// Children that are elements, in their order.
std::vector<xmlNode*> elements_of(const xmlNode* parent);
// Of an attribute without namespace; nullopt if it is not there.
std::optional<std::string> attribute_of(const xmlNode* element, const char* name);
// All text of an element that holds nothing but text; nullopt otherwise.
std::optional<std::string> text_of(const xmlNode* element);
// The node behind `node` in the order of the document, itself included in nobody's recursion; null at the end.
xmlNode* next_in_document(xmlNode* node, const xmlNode* root);

}  // namespace demail
