-- Reads LuaCATS definition files such as lua/topaz/types/topaz.lua:
-- what api_spec.lua compares and reference.lua shows.
local luacats = {}

-- A type ends at the first blank outside brackets that does not follow ":", "," or "|".
local function split_type(text)
   local depth, i = 0, 1
   while i <= #text do
      local c = text:sub(i, i)
      if c:find "[%(<{%[]" then depth = depth + 1
      elseif c:find "[%)>}%]]" then depth = depth - 1
      elseif c:find "%s" and depth == 0 and not text:sub(1, i - 1):find "[:,|]$" then break end
      i = i + 1
   end
   return text:sub(1, i - 1), text:sub(i):match "^%s*(.-)%s*$"
end

local function read_lines(path)
   local lines = {}
   for line in io.lines(path) do lines[#lines + 1] = line end
   return lines
end

-- ---- tags ---------------------------------------------------------------------------------------

-- name[?] type [text], as in @field and @param
local function member(text)
   local name, optional, rest = text:match "^([%w_.]+)(%??)%s+(.*)$"
   local kind, description = split_type(rest)
   return { name = name, optional = optional == "?", type = kind, text = description }
end

local tags = {}

function tags.class(entry, text)
   entry.kind, entry.name, entry.parent = "class", text:match "^([%w_.]+)%s*:?%s*([%w_.]*)"
end

function tags.alias(entry, text)
   entry.kind, entry.name = "alias", text:match "^[%w_.]+"
   entry.words = text:match "^[%w_.]+%s+(.+)$"
end

function tags.field(entry, text) entry.fields[#entry.fields + 1] = member(text) end
function tags.param(entry, text) entry.params[#entry.params + 1] = member(text) end
function tags.package(entry) entry.internal = true end
function tags.overload() end
function tags.meta(entry, text) entry.meta = text end

tags["return"] = function(entry, text)
   local kind, rest = split_type(text)
   local name, description = rest:match "^([%w_.]+)%s*(.*)$"
   entry.returns[#entry.returns + 1] = { type = kind, name = name or "", text = description or "" }
end

-- ---- blocks -------------------------------------------------------------------------------------

-- Takes the examples out of a description: { text, line }.
local function take_examples(entry)
   local text, example = {}, nil
   for _, line in ipairs(entry.description) do
      if line.text:find "^```lua" then
         example = { line = line.number + 1 }
      elseif line.text == "```" then
         example.text = table.concat(example, "\n")
         entry.examples[#entry.examples + 1] = example
         example = nil
      elseif example then
         example[#example + 1] = line.text
      else
         text[#text + 1] = line.text
      end
   end
   assert(not example, "an example that is not closed")
   entry.text = table.concat(text, "\n"):match "^%s*(.-)%s*$"
end

local function block(lines, from, to)
   local entry = { fields = {}, params = {}, returns = {}, examples = {}, description = {}, line = from }
   for i = from, to do
      local text = lines[i]:match "^%-%-%- ?(.*)$"
      local tag, rest = text:match "^@(%l+)%s*(.*)$"
      local word = text:match "^| (.*)$"
      if tag then
         assert(tags[tag], ("line %d: no such tag: %s"):format(i, tag))(entry, rest)
      elseif word then
         entry.words = (entry.words and entry.words .. " | " or "") .. word
      else
         entry.description[#entry.description + 1] = { text = text, number = i }
      end
   end
   take_examples(entry)
   return entry
end

-- The function that stands below a block: its owner, "." or ":", its name,
-- and the names of its parameters.
local function add_function(entry, line)
   local owner, separator, name, parameters = line:match "^function ([%w_]+)([.:])([%w_]+)%((.-)%) end$"
   if not owner then return end
   entry.kind, entry.owner, entry.separator, entry.name, entry.parameters = "function", owner, separator, name, {}
   for parameter in parameters:gmatch "[%w_.]+" do entry.parameters[#entry.parameters + 1] = parameter end
end

--- Reads a file.
-- @tparam string path
-- @treturn table entries in the order of the file, each { kind = "class" | "alias" | "function",
-- name, text, examples, fields, params, returns, line }; a class has `functions`,
-- a function its `class`
-- @treturn string the name of the module
function luacats.read(path)
   local lines, entries, classes, module = read_lines(path), {}, {}, nil
   local i = 1
   while i <= #lines do
      if lines[i]:find "^%-%-%-" then
         local from = i
         while lines[i + 1] and lines[i + 1]:find "^%-%-%-" do i = i + 1 end
         local entry, below = block(lines, from, i), lines[i + 1] or ""
         add_function(entry, below)
         if entry.kind == "class" then
            entry.functions = {}
            local variable = below:match "^local ([%w_]+) = {}$"
            if variable then classes[variable] = entry end
         elseif entry.kind == "function" then
            entry.class = assert(classes[entry.owner], "no such class: " .. entry.owner)
            entry.class.functions[#entry.class.functions + 1] = entry
         end
         module = module or entry.meta
         if entry.kind == "function" then i = i + 1 end
         if entry.kind then entries[#entries + 1] = entry end
      elseif lines[i]:find "^function" then
         error(("%s:%d: a function without a comment"):format(path, i))
      end
      i = i + 1
   end
   return entries, module
end

--- All definition files.
luacats.FILES = {
   "lua/topaz/types/topaz.lua", "lua/topaz/types/progress.lua", "lua/topaz/types/terminal.lua",
   "lua/topaz/types/emulator.lua", "lua/topaz/types/emulator_proxy.lua",
}

--- The entries of all files.
-- @treturn table name of a class or alias -> its entry
-- @treturn table list of all entries
function luacats.all()
   local by_name, list = {}, {}
   for _, path in ipairs(luacats.FILES) do
      for _, entry in ipairs((luacats.read(path))) do
         entry.path = path
         list[#list + 1] = entry
         if entry.kind ~= "function" then by_name[entry.name] = entry end
      end
   end
   return by_name, list
end

--- What the text of an option says:
-- { default = text or nil, least = number or nil, most = number or nil }.
function luacats.limits(field)
   local least, most = field.text:match "([%d.]+e?%d*) to ([%d.]+e?%d*)"
   return {
      default = field.text:match "%(default:? (.-)%)", least = tonumber(least), most = tonumber(most),
   }
end

return luacats
