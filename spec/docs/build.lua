-- Builds the reference and the guides as HTML: `make doc`.
-- The sources are put together in FOLDER/src, then LDoc makes the pages.
local luacats = require "spec.docs.luacats"
local reference = require "spec.docs.reference"

local FOLDER = arg[1] or "build/doc"
local SRC = FOLDER .. "/src"

local function read(path)
   local file = assert(io.open(path))
   local text = file:read "a"
   file:close()
   return text
end

local function write(path, text)
   local file = assert(io.open(path, "w"))
   assert(file:write(text))
   assert(file:close())
end

local function run(command)
   if not os.execute(command) then
      io.stderr:write("make doc: this failed: ", command, "\n")
      os.exit(1)
   end
end

local function escape(text) return (text:gsub("[&<>]", { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;" })) end

-- ---- Markdown -----------------------------------------------------------------------------------

local function cells(line)
   local list = {}
   line = line:gsub("\\|", "\1")
   for cell in line:match "^%s*|(.*)$":gmatch "%s*(.-)%s*|" do
      local html = escape((cell:gsub("\1", "|")))
      list[#list + 1] = html:gsub("%[([^%]]+)%]%(([^)]+)%)", '<a href="%2">%1</a>'):gsub("`([^`]+)`", "<code>%1</code>")
   end
   return list
end

-- LDoc's Markdown has no tables: they become HTML here.
local function tables(text)
   local out, rows, fenced = {}, nil, false
   local function close()
      if rows then out[#out + 1] = "</table></div>\n" end
      rows = nil
   end
   for line in (text .. "\n"):gmatch "([^\n]*)\n" do
      if line:find "^```" then fenced = not fenced end
      if fenced or not line:find "^|" then
         close()
         out[#out + 1] = line
      elseif not line:find "^|[-| :]+$" then
         local tag = rows and "td" or "th"
         if not rows then out[#out + 1] = '\n<div class="table"><table>' end
         rows = true
         out[#out + 1] =
            ("<tr><%s>%s</%s></tr>"):format(tag, table.concat(cells(line), ("</%s><%s>"):format(tag, tag)), tag)
      end
   end
   close()
   return table.concat(out, "\n")
end

-- Pages link to each other as files of this folder, so that they can be read here too:
-- the suffix changes.
local function links(text)
   return (text:gsub("%]%(([%w_-]+)%.md%)", "](%1.md.html)")
      :gsub("%]%(%.%./integration/faults%.md%)", "](#No_connection)"))
end

-- ---- pages --------------------------------------------------------------------------------------

local function guides()
   local pipe = io.popen "cd spec/guide && ls *.md"
   for name in pipe:lines() do
      local text = read("spec/guide/" .. name)
      if name == "what-happens-when.md" then
         text = text .. require("spec.docs.faults").page(dofile "spec/integration/fault_table.lua")
      end
      write(SRC .. "/" .. name, links(tables(text)))
   end
   pipe:close()
end

local function modules()
   for _, path in ipairs(luacats.FILES) do
      local source, name = reference.source(path)
      write(("%s/modules/%s.lua"):format(SRC, name), source)
   end
end

if not os.execute "command -v ldoc >/dev/null 2>&1" then
   io.stderr:write "make doc: it needs LDoc: `apt install lua-ldoc`, or `luarocks install ldoc`\n"
   os.exit(1)
end
run(("rm -rf '%s' && mkdir -p '%s/modules' '%s/topics'"):format(FOLDER, SRC, FOLDER))
run(("cp spec/docs/config.ld spec/docs/ldoc.css spec/docs/ldoc.ltp spec/docs/simple_markdown.lua '%s'"):format(SRC))
run(("cp spec/guide/*.svg '%s/topics'"):format(FOLDER))
guides()
modules()
run(("cd '%s' && env -u LUA_CPATH LUA_PATH='./?.lua;;' ldoc . >ldoc.log 2>&1 || { cat ldoc.log; exit 1; }"):format(SRC))
local log = read(SRC .. "/ldoc.log")
if log:find "error" or log:find "warning" then io.stderr:write(log) end
print("topaz: the documentation is in " .. FOLDER .. "/index.html")
