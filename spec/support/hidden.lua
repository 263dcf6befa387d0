-- Characters that steer a terminal or are not seen, one or more of each kind: what never reaches a
-- terminal or a line of text.
local hidden = {}

--- { kind, text, how text.safe writes it }
hidden.KINDS = {
   { "C0 controls", "\1\a\b\f", "\\x01\\x07\\x08\\x0C" },
   { "the ends of lines, tabs", "\n\r\t\v", "\\n\\r\\t\\x0B" },
   { "escape sequences", "\27[2J\27]0;t\7", "\\e[2J\\e]0;t\\x07" },
   { "DEL", "\127", "\\x7F" },
   { "C1 controls", "\u{80}\u{9B}2J\u{9F}", "\\u{80}\\u{9B}2J\\u{9F}" },
   { "embedding and overriding directions", "\u{202A}\u{202B}\u{202C}\u{202D}\u{202E}",
      "\\u{202A}\\u{202B}\\u{202C}\\u{202D}\\u{202E}" },
   { "isolating directions", "\u{2066}\u{2067}\u{2068}\u{2069}", "\\u{2066}\\u{2067}\\u{2068}\\u{2069}" },
   { "marks of direction", "\u{200E}\u{200F}\u{61C}", "\\u{200E}\\u{200F}\\u{61C}" },
   { "separators of lines and paragraphs", "\u{2028}\u{2029}", "\\u{2028}\\u{2029}" },
   { "spaces without width", "\u{200B}\u{2060}\u{FEFF}\u{180E}", "\\u{200B}\\u{2060}\\u{FEFF}\\u{180E}" },
   { "joiners where nothing is to be joined", "a\u{200C}b\u{200D}c", "a\\u{200C}b\\u{200D}c" },
   { "invisible operators, old formatting", "\u{2061}\u{2064}\u{206A}\u{206F}",
      "\\u{2061}\\u{2064}\\u{206A}\\u{206F}" },
   { "the soft hyphen, fillers", "\u{AD}\u{115F}\u{3164}\u{FFA0}", "\\u{AD}\\u{115F}\\u{3164}\\u{FFA0}" },
   { "annotations", "\u{FFF9}\u{FFFA}\u{FFFB}", "\\u{FFF9}\\u{FFFA}\\u{FFFB}" },
   { "tags", "\u{E0001}\u{E0041}\u{E007F}", "\\u{E0001}\\u{E0041}\\u{E007F}" },
}

--- Bytes that are not UTF-8, which JSON cannot have.
hidden.BYTES = { "bytes that are not UTF-8", "\xFF\xC0\x80\xED\xA0\x80", "\\xFF\\xC0\\x80\\xED\\xA0\\x80" }

--- Some of them in one text, with spaces between, and how it is written.
function hidden.all(first, last)
   local raw, written = {}, {}
   for i = first, math.min(last, #hidden.KINDS) do
      local _, text, shown = table.unpack(hidden.KINDS[i])
      raw[#raw + 1], written[#written + 1] = text, shown
   end
   return table.concat(raw, " "), table.concat(written, " ")
end

--- The first character of a text, which may have ends of lines and tabs, that is not to be in it.
function hidden.find(s)
   for _, row in ipairs(hidden.KINDS) do
      for _, code in utf8.codes(row[2]) do
         local character = utf8.char(code)
         if code > 126 or code < 32 and not character:find "[\n\r\t]" then
            if s:find(character, 1, true) then return ("U+%04X"):format(code) end
         end
      end
   end
   return not utf8.len(s) and "not UTF-8" or nil
end

return hidden
