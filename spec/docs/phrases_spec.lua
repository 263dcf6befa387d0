-- Plain English: phrases that must not occur where users read them: in the strings of lua/topaz and
-- csrc, in the texts of the definition files, in README.md, CHANGELOG.md and the guides; and in all
-- of the makefiles and of the emulator's proxy.
local blocks = require "spec.docs.blocks"

local PHRASES = {
   "is no ", "are no ", "was no ", "is none of", "whoever", "nobody", "somebody", "want of memory",
   "the world", "doubts", "spoiled", "spared", "unasked", "naps", "luck", "wrong use", "go on behind",
   "go on with", "have ended", "rather ", "may not be sent within", "not whole", "a token of", "no token",
   "in the midst", "not enough memory", "not known: get it", "the words of", "'s words",
   "names of members", "names of options", "go together", "has no meaning", "would travel", "surely",
   "held against", "asks for a user",
   "an answer", "the answer", "no answer", "every answer", "answers of", -- of HTTP it is a response
}

-- Read whole, comments too.
local OTHERS = {
   "CHANGELOG.md", "Makefile", "spec/proof/proof.mk", "spec/share/share.mk", "spec/chaos/chaos.mk",
   "lua/topaz/emulator/proxy.py",
}

-- ---- strings of Lua -----------------------------------------------------------------------------

-- The text of the long bracket at `i`, and the place behind it; nil: none begins there.
local function long(source, i)
   local level = source:match("^%[(=*)%[", i)
   if not level then return nil end
   local from = i + #level + 2
   local to, last = source:find("]" .. level .. "]", from, true)
   return source:sub(from, to - 1), last + 1
end

local function short(source, i)
   local quote, from = source:sub(i, i), i + 1
   i = from
   while source:sub(i, i) ~= quote do i = i + (source:sub(i, i) == "\\" and 2 or 1) end
   return source:sub(from, i - 1), i + 1
end

local function line_of(source, i) return select(2, source:sub(1, i):gsub("\n", "")) + 1 end

-- The strings of a source, and the lines of comments that begin with "---": { text, line }.
local function texts(source, with_docs)
   local list, i = {}, 1
   local function add(text) list[#list + 1] = { text = text, line = line_of(source, i) } end
   while i <= #source do
      i = source:find("[\"'%[-]", i)
      if not i then break end
      local text, behind
      if source:sub(i, i + 1) == "--" then
         text, behind = long(source, i + 2)
         if not text then text, behind = source:match("^([^\n]*)()", i) end
         if with_docs and text:find "^%-%-%-" then add(text) end
      elseif source:find("^[\"']", i) then
         text, behind = short(source, i)
         add(text)
      else
         text, behind = long(source, i)
         if text then add(text) end
      end
      i = behind or i + 1
   end
   return list
end

-- The strings of a C source, without its comments and the names of included files.
local function c_texts(source)
   local list, i = {}, 1
   while true do
      i = source:find("[\"'/#]", i)
      if not i then return list end
      local behind = source:match("^/%*.-%*/()", i) or source:match("^#include[^\n]*()", i)
      if not behind and source:find("^[\"']", i) then
         local text
         text, behind = short(source, i)
         if source:sub(i, i) == '"' then list[#list + 1] = { text = text, line = line_of(source, i) } end
      end
      i = behind or i + 1
   end
end

-- The paragraphs of a page, with its code: a phrase may be broken at the end of a line.
local function paragraphs(page)
   local list = {}
   for at, text in (page .. "\n\n"):gmatch "()(.-)\n\n+" do
      list[#list + 1] = { text = text:gsub("%s+", " "), line = line_of(page, at) }
   end
   return list
end

local function complaints(list)
   local found = {}
   for _, entry in ipairs(list) do
      local text = entry.text:lower():gsub("there is no ", "") -- "a is no b" is meant
      for _, phrase in ipairs(PHRASES) do
         if text:find(phrase, 1, true) then
            found[#found + 1] = ("line %d: '%s' in: %s"):format(entry.line, phrase, entry.text)
         end
      end
   end
   return found
end

-- ---- the sources --------------------------------------------------------------------------------

describe("the words that users read", function()
   local count = 0
   local function check(path, read)
      it("are plain in " .. path, function()
         local list = read(blocks.read(path), path:find "/types/" ~= nil)
         count = count + #list
         assert.same({}, complaints(list))
      end)
   end
   for _, kind in ipairs { { "lua/topaz", "*.lua", texts }, { "csrc", "*.[ch]", c_texts } } do
      local pipe = io.popen(("find %s -type f -name '%s' | sort"):format(kind[1], kind[2]))
      for path in pipe:lines() do check(path, kind[3]) end
      pipe:close()
   end
   for _, path in ipairs(blocks.pages()) do check(path, paragraphs) end
   for _, path in ipairs(OTHERS) do check(path, paragraphs) end

   it("include all makefiles", function()
      local pipe <close> = io.popen "find . -name '*.mk' ! -path './build/*' | sort"
      local listed = table.concat(OTHERS, "\n")
      for path in pipe:lines() do assert.truthy(listed:find(path:sub(3), 1, true), path) end
   end)

   it("were found", function() assert.is_true(count > 3000, count) end)

   it("are told from code and comments", function()
      local source =
         'a = "x is no y" -- is no\n--[[ is no "z" ]] b = \'\\\' nobody\' c = [[\nspared]] d = t["k"] - 1\n--- is no e'
      assert.same({ "x is no y", "\\' nobody", "\nspared", "k" }, (function()
         local list = {}
         for i, entry in ipairs(texts(source)) do list[i] = entry.text end
         return list
      end)())
      assert.equal(3, #complaints(texts(source)))
      assert.equal(4, #complaints(texts(source, true)))
   end)

   it("are told from code and comments in C", function()
      local source = '#include "nobody.h"\n/* "is no" */ f(\'"\', "is no \\"x\\"",\n"spared" "ok") /* nobody\'s */'
      local list = c_texts(source)
      assert.same({ 'is no \\"x\\"', "spared", "ok" }, { list[1].text, list[2].text, list[3].text })
      assert.equal(3, #list)
      assert.equal(2, #complaints(list))
   end)

   it("are found in a page across the ends of lines", function()
      local found = complaints(paragraphs "first\n\nthis is\nno page\n\n```lua\nx = 1 -- nobody\n```\n")
      assert.equal(2, #found)
      assert.matches("^line 3: ", found[1])
   end)
end)
