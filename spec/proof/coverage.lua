-- What the tests run of the C core, by gcov: lua5.4 spec/proof/coverage.lua OBJECTS. `make
-- coverage` runs the tests first. Prints the lines and branches of each file, then every piece
-- that was not run, with the reason that uncovered.lua gives. Ends with 1 below 95 % of lines.
local cjson = require "cjson"
local reasons = require "spec.proof.uncovered"

local LEAST = 95 -- per cent of lines

-- path -> { lines = { [number] = runs }, branches = { ["line:index"] = runs } },
-- over all objects that have code of the file.
local function read(objects)
   local files = {}
   local pipe <close> = assert(io.popen(
      ("cd '%s' && gcov --branch-probabilities --json-format --stdout $(find . -name '*.gcda')"):format(objects)))
   for text in pipe:lines() do
      for _, file in ipairs(cjson.decode(text).files) do
         local known = files[file.file] or { lines = {}, branches = {} }
         if file.file:find "^csrc/" then files[file.file] = known end
         for _, line in ipairs(file.lines) do
            local number = math.tointeger(line.line_number)
            known.lines[number] = (known.lines[number] or 0) + line.count
            for i, branch in ipairs(line.branches) do
               local name = number .. ":" .. i
               known.branches[name] = (known.branches[name] or 0) + branch.count
            end
         end
      end
   end
   return files
end

-- How many there are, and how many of them were run.
local function count(runs)
   local all, run = 0, 0
   for _, times in pairs(runs) do
      all = all + 1
      if times > 0 then run = run + 1 end
   end
   return all, run
end

local function row(name, lines, run_lines, branches, run_branches)
   print(("  %5.1f %% of %4d lines  %5.1f %% of %4d branches  %s"):format(100 * run_lines / math.max(lines, 1), lines,
      100 * run_branches / math.max(branches, 1), branches, name))
end

-- The pieces of a file that were not run: { first, last, text },
-- lines without code in between not counted.
local function pieces(path, runs)
   local list, last, number = {}, nil, 0
   for text in io.lines(path) do
      number = number + 1
      if runs[number] == 0 then
         if not last then
            last = { first = number, text = "" }
            list[#list + 1] = last
         end
         last.last, last.text = number, last.text .. text .. "\n"
      elseif runs[number] then
         last = nil
      end
   end
   return list
end

local function reason(path, text)
   for _, entry in ipairs(reasons) do
      if path:find(entry[1], 1, true) and text:match("^%s*(.*)"):sub(1, #entry[2]) == entry[2] then return entry[3] end
   end
   return "NO REASON GIVEN"
end

local files = read(arg[1])
local paths = {}
for path in pairs(files) do paths[#paths + 1] = path end
table.sort(paths)

local sum = { 0, 0, 0, 0 }
print "\nRun by the tests:"
for _, path in ipairs(paths) do
   local lines, run_lines = count(files[path].lines)
   local branches, run_branches = count(files[path].branches)
   row(path, lines, run_lines, branches, run_branches)
   for i, n in ipairs { lines, run_lines, branches, run_branches } do sum[i] = sum[i] + n end
end
row("all", table.unpack(sum))

print "\nNot run, and why:"
for _, path in ipairs(paths) do
   for _, piece in ipairs(pieces(path, files[path].lines)) do
      local range = piece.first == piece.last and piece.first or piece.first .. "-" .. piece.last
      print(("  %s:%s  %s\n      %s"):format(path, range, piece.text:match "^%s*([^\n]*)", reason(path, piece.text)))
   end
end
os.exit(sum[2] >= LEAST / 100 * sum[1])
