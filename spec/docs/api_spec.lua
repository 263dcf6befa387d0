-- One interface in five places: the definition files (lua/topaz/types), the live module,
-- the C sources, the Lua sources, README.md.
local topaz = require "topaz"
local core = topaz.core
local progress = require "topaz.progress"
local terminal = require "topaz.terminal"
local blocks = require "spec.docs.blocks"
local lists = require "spec.docs.entries"
local luacats = require "spec.docs.luacats"

local keys, names, find = lists.keys, lists.names, lists.find

local classes, entries = luacats.all()
local README = blocks.read "README.md"

local function upvalue(f, wanted)
   for i = 1, 255 do
      local name, value = debug.getupvalue(f, i)
      if name == wanted then return value end
      if not name then error("no such upvalue: " .. wanted) end
   end
end

-- The table of functions behind each class that has some.
local function live()
   local client = topaz.client { api_key = "key", base_url = "http://127.0.0.1:9" }
   local task = client:spawn(function() end)
   local request = client:start("delete_all_statuses")
   local tables = {
      ["topaz"] = topaz, ["topaz.Core"] = core, ["topaz.Client"] = core.client_methods(),
      ["topaz.Cursor"] = core.cursor_methods(), ["topaz.Call"] = debug.getmetatable(request).__index,
      ["topaz.Task"] = debug.getmetatable(task).__index,
      ["topaz.Watcher"] = debug.getmetatable(client:watch {}).__index, ["topaz.progress"] = progress,
      ["topaz.Bars"] = getmetatable(progress.new()).__index, ["topaz.terminal"] = terminal,
      ["topaz.Terminal"] = upvalue(terminal.open, "Terminal"),
   }
   client:close()
   local ok, luv = pcall(require, "topaz.scheduler.luv")
   if ok then tables["topaz.Scheduler"] = luv end
   for module, object in pairs { ["topaz.emulator"] = "Emulator", ["topaz.emulator.proxy"] = "Proxy" } do
      tables[module] = require(module)
      tables["topaz." .. object] = upvalue(tables[module].start, object).__index
   end
   return tables
end

-- What C sources say of the calls of a method: name -> how many arguments.
local function c_calls(object)
   local found = {}
   local pipe = io.popen "cat csrc/client.c csrc/cursor.c csrc/call.c csrc/api.c csrc/core.c"
   for name, arguments in pipe:read "a":gmatch("/%* " .. object .. "([%w_]+)(%b())") do
      local plain = arguments:sub(2, -2):gsub("%b()", ""):gsub("%b{}", "t")
      local count = plain:find "%S" and 1 or 0
      for _ in plain:gmatch "," do count = count + 1 end
      found[name] = count
   end
   pipe:close()
   return found
end

local function parameters_of(f, skip_self)
   local info, list = debug.getinfo(f, "u"), {}
   for i = skip_self and 2 or 1, info.nparams do list[#list + 1] = debug.getlocal(f, i) end
   if info.isvararg then list[#list + 1] = "..." end
   return list
end

describe("the definition files", function()
   for name, functions in pairs(live()) do
      local class = classes[name]

      it("name what is in " .. name .. ", and nothing else", function()
         local wanted = names(class.functions)
         for _, field in ipairs(class.fields) do
            if functions[field.name] ~= nil then wanted[#wanted + 1] = field.name end
         end
         table.sort(wanted)
         assert.same(wanted, keys(functions))
      end)

      it("name the parameters of " .. name, function()
         local calls, in_c = c_calls(name:match "[^.]+$":lower() .. "[:.]"), 0
         for _, entry in ipairs(class.functions) do
            local f = functions[entry.name]
            if debug.getinfo(f, "S").what ~= "C" then
               if not entry.internal then
                  assert.same(parameters_of(f, entry.separator == ":"), entry.parameters, name .. "." .. entry.name)
               end
            elseif not entry.internal then
               in_c = in_c + 1
               if calls[entry.name] then
                  assert.equal(calls[entry.name], #entry.parameters, entry.name)
               elseif name == "topaz.Call" or name == "topaz.Cursor" or name == "topaz.Client" then
                  assert.is_true(#entry.parameters <= 1, entry.name .. ": its C source has no comment with its call")
               end
            end
         end
         if name == "topaz.Client" then assert.is_true(in_c >= 7) end
      end)
   end

   it("are about each class that has functions", function()
      local tables = live()
      for name, class in pairs(classes) do
         if class.functions and #class.functions > 0 and name ~= "topaz.Scheduler" then
            assert.is_table(tables[name], name)
         end
      end
   end)

   it("have a text, a type for each parameter, and an example for each public function", function()
      local count = 0
      for _, entry in ipairs(entries) do
         local where = ("%s:%d"):format(entry.path, entry.line)
         if entry.kind == "function" and not entry.internal then
            count = count + 1
            assert.is_true(entry.text ~= "", where .. ": no text")
            assert.same(entry.parameters, (function()
               local list = {}
               for _, parameter in ipairs(entry.params) do list[#list + 1] = parameter.name end
               return list
            end)(), where .. ": @param and the parameters differ")
            assert.is_true(#entry.examples > 0, where .. ": no example")
         elseif entry.kind ~= "function" then
            assert.is_true(entry.text ~= "", where .. ": no text")
         end
      end
      assert.is_true(count >= 50)
   end)

   it("use types that there are", function()
      local builtin = {}
      local words = "string number integer boolean table function nil any true false lightuserdata userdata file fun r"
      for word in words:gmatch "%a+" do
         builtin[word] = true
      end
      local function check(text, where)
         text = text:gsub('"[^"]*"', ""):gsub("%(([^()]*)%)", function(arguments)
            return "(" .. arguments:gsub("[%w_]+%??%s*:", "") .. ")"
         end)
         for name in text:gmatch "[%a][%w_.]*" do
            assert.is_true(builtin[name] or classes[name] ~= nil, ("%s: no such type: %s"):format(where, name))
         end
      end
      for _, entry in ipairs(entries) do
         local where = ("%s:%d"):format(entry.path, entry.line)
         for _, list in ipairs { entry.fields, entry.params, entry.returns } do
            for _, member in ipairs(list) do check(member.type, where) end
         end
         if entry.words then check(entry.words, where) end
         if entry.parent and entry.parent ~= "" then check(entry.parent, where) end
      end
   end)

   it("can be required, and give nothing", function()
      for _, path in ipairs(luacats.FILES) do assert.same({}, (function()
         local given = {}
         for name, value in pairs(dofile(path)) do
            if type(value) ~= "function" then given[name] = value end
         end
         return given
      end)()) end
   end)
end)

describe("the emulator and the proxy", function()
   for module, object in pairs { ["topaz.emulator"] = "Emulator", ["topaz.emulator.proxy"] = "Proxy" } do
      it("have the options and the faults of the definition files: " .. module, function()
         local start = require(module).start
         local options = upvalue(start, "defaults")
         local fields = classes["topaz." .. object .. "Options"].fields
         assert.same(keys(options), names(fields))
         for name, default in pairs(options) do
            local said = luacats.limits(find(fields, name)).default
            if type(default) == "table" or not default and said ~= "false" then default = "none" end
            if name == "port" then default = "a free one" end
            assert.equal(tostring(default), said, name)
         end
         assert.same(keys(upvalue(upvalue(start, object).__index.fault, "FAULT")),
            names(classes["topaz." .. object .. "Fault"].fields))
      end)
   end
end)

-- ---- the README and the rest --------------------------------------------------------------------

local function words(text)
   local list = {}
   for word in text:gmatch "[%w_]+" do list[#list + 1] = word end
   table.sort(list)
   return list
end

local function public(class)
   local list = {}
   for _, entry in ipairs(classes[class].functions) do
      if not entry.internal then list[#list + 1] = entry end
   end
   return list
end

describe("README.md", function()
   it("names each method of a client and of the module, and no other one", function()
      local said = {}
      for name in README:gmatch "client:([%w_]+)" do said[name] = true end
      assert.same(names(public "topaz.Client"), keys(said))
      for _, entry in ipairs(public "topaz") do
         assert.is_truthy(README:find("topaz." .. entry.name .. "(", 1, true), entry.name)
      end
   end)

   it("names the methods of watchers and cursors that there are", function()
      for class, object in pairs { ["topaz.Watcher"] = "watcher", ["topaz.Cursor"] = "cursor" } do
         for name in README:gmatch(object .. ":([%w_]+)") do
            assert.is_table(find(public(class), name), object .. ":" .. name)
         end
      end
   end)

   it("names the counters of client:stats(), as the client gives them", function()
      local client <close> = topaz.client { api_key = "key", max_rate = 1 }
      local fields = names(classes["topaz.Stats"].fields)
      assert.same(fields, words(README:match "`client:stats%(%)` | table of counters | `([%w_ ]+)`"))
      local given = client:stats()
      -- are there once the server has told its time, while the pacer holds back, and where the
      -- client shares
      given.clock_skew, given.rate, given.hold, given.share = 0, 0, 0, {}
      assert.same(fields, keys(given))
   end)

   it("names the kinds of errors, as the C source has them", function()
      local kinds = words(README:match "`err%.kind` is one of `([^`]+)`")
      assert.same(words(classes["topaz.ErrorKind"].words), kinds)
      local source = {}
      for name in blocks.read "csrc/error.c":match "kinds%[%] = (%b{})":gmatch '"([%w_]+)"' do
         if name ~= "none" then source[#source + 1] = name end
      end
      table.sort(source)
      assert.same(source, kinds)
   end)
end)

describe("a status", function()
   it("has the members that the core knows, with their types", function()
      local fields = classes["topaz.Status"].fields
      assert.same(names(core.members), names(fields))
      for i, member in ipairs(core.members) do
         assert.equal(fields[i].name, member.name) -- the same order
         assert.equal(fields[i].optional, not member.required, member.name)
         assert.equal(fields[i].type:gsub("^topaz.StatusWord$", "string"), member.type)
      end
   end)
end)

-- ---- examples -----------------------------------------------------------------------------------

describe("the example of", function()
   local emulator = blocks.emulator({ setup = setup, teardown = teardown, before_each = before_each }, {})
   local HEAD = [[
local topaz = require "topaz"
local client <close> = topaz.client { timeout = 10 }
local ids = { %s }
local id = ids[1] ]]

   for _, entry in ipairs(entries) do
      for _, example in ipairs(entry.examples) do
         it(("%s.%s runs"):format(entry.class and entry.class.name or "", entry.name), function()
            local ids = emulator():add_jobs { count = 3,
               timeline = { pending = 0.05, processing = { 0.1, 0.3 }, outcome = "Completed" } }
            local ok, how, code, said =
               blocks.run(emulator(), HEAD:format("'" .. table.concat(ids, "', '") .. "'") .. "\n" .. example.text)
            assert(ok, ("%s:%d: %s %d, saying:\n%s"):format(entry.path, example.line, how, code, said))
         end)
      end
   end
end)
