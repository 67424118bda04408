// The grammar. In: tokens whose brackets are balanced. Out: a concrete tree and the exceptions met on the way.
// Each rule has its line of the grammar above it; what is no part of the language, but is read so that what follows
// survives, is marked `mistake`. Newlines mean nothing, except that a value starts on the line of its `=`.

import { type CstNode, CstParser, EOF, type IToken, type ParserMethod, type TokenType } from "chevrotain";
import { markTokens as mark, Name, NumberToken, StringToken, vocabulary, wordTokens as word } from "./tokens.js";

/** Token types an expression can start with. */
const expressionStarts: readonly TokenType[] = [
  word.if,
  word.true,
  word.false,
  NumberToken,
  StringToken,
  mark.Minus,
  mark.LParen,
  mark.LBracket,
  mark.LBrace,
];

const openers: readonly TokenType[] = [mark.LParen, mark.LBracket, mark.LBrace];
const closers: readonly TokenType[] = [mark.RParen, mark.RBracket, mark.RBrace];

function isName(token: IToken): boolean {
  return token.tokenType === Name || token.tokenType.CATEGORIES?.includes(Name) === true;
}

export function startsExpression(token: IToken): boolean {
  return isName(token) || expressionStarts.some((type) => token.tokenType === type || token.tokenType.CATEGORIES?.includes(type) === true);
}

/** Tokens that no rule could use, left out of the tree. */
export interface Skipped {
  readonly first: IToken;
  readonly last: IToken;
  readonly previous: IToken | undefined;
  /** The rule that met them. */
  readonly rule: string;
}

export class Parser extends CstParser {
  /** What was skipped since `input` was last set. */
  skipped: Skipped[] = [];

  constructor() {
    super(vocabulary, { recoveryEnabled: true, nodeLocationTracking: "onlyOffset", maxLookahead: 2 });
    this.performSelfAnalysis();
  }

  // file = { import | item }
  file = this.rule("file", () => {
    this.MANY({
      MAX_LOOKAHEAD: 1,
      DEF: () => this.OR([{ ALT: () => this.SUBRULE(this.import) }, { ALT: () => this.SUBRULE(this.item) }]),
    });
    this.CONSUME(EOF);
  });

  // import = "import" name { "," name } "from" string
  import = this.rule("import", () => {
    this.CONSUME(word.import);
    this.AT_LEAST_ONE_SEP({ SEP: mark.Comma, DEF: () => this.CONSUME(Name) });
    this.CONSUME(word.from);
    this.CONSUME(StringToken);
  });

  // item = binding | section | repeat | result
  item = this.rule("item", () => {
    this.OR({
      MAX_LOOKAHEAD: 1,
      DEF: [
        { ALT: () => this.SUBRULE(this.repeat) },
        { ALT: () => this.SUBRULE(this.result) },
        { GATE: () => this.sectionAhead(), ALT: () => this.SUBRULE(this.section), IGNORE_AMBIGUITIES: true },
        { ALT: () => this.SUBRULE(this.binding), IGNORE_AMBIGUITIES: true },
      ],
    });
  });

  // binding = path { "," path } "=" expr
  binding = this.rule("binding", () => {
    this.AT_LEAST_ONE_SEP({ SEP: mark.Comma, DEF: () => this.SUBRULE(this.path) });
    this.CONSUME(mark.Equals);
    this.OPTION({ GATE: () => this.valueOnLine(), MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.expr) });
  });

  // path = name { "." name }
  path = this.rule("path", () => {
    this.AT_LEAST_ONE_SEP({ SEP: mark.Dot, DEF: () => this.CONSUME(Name) });
  });

  // section = name [ name ] [ signature ] body
  section = this.rule("section", () => {
    this.CONSUME(Name, { LABEL: "keyword" });
    this.OPTION1(() => this.CONSUME1(Name, { LABEL: "name" }));
    this.OPTION2(() => this.SUBRULE(this.signature));
    this.SUBRULE(this.body);
  });

  // body = "{" { item } "}"
  body = this.rule("body", () => {
    this.CONSUME(mark.LBrace);
    this.MANY({ MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.item) });
    this.CONSUME(mark.RBrace);
  });

  // signature = "(" [ parameter { "," parameter } ] ")" [ "->" type { "," type } ]
  signature = this.rule("signature", () => {
    this.CONSUME(mark.LParen);
    this.MANY_SEP({ SEP: mark.Comma, DEF: () => this.SUBRULE(this.parameter) });
    this.CONSUME(mark.RParen);
    this.OPTION(() => {
      this.CONSUME(mark.Arrow);
      this.AT_LEAST_ONE_SEP({ SEP: mark.Comma, DEF: () => this.SUBRULE(this.type) });
    });
  });

  // parameter = name [ ":" type ] [ "=" expr ]
  parameter = this.rule("parameter", () => {
    this.CONSUME(Name);
    this.OPTION1(() => {
      this.CONSUME(mark.Colon);
      this.SUBRULE(this.type);
    });
    this.OPTION2(() => {
      this.CONSUME(mark.Equals);
      this.OPTION3({ GATE: () => this.valueOnLine(), MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.expr) });
    });
  });

  // type = name [ shape ] | shape
  type = this.rule("type", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(Name);
          this.OPTION(() => this.SUBRULE1(this.shape));
        },
      },
      { ALT: () => this.SUBRULE2(this.shape) },
    ]);
  });

  // shape = "[" [ dim { "," dim } ] "]"
  shape = this.rule("shape", () => {
    this.CONSUME(mark.LBracket);
    this.MANY_SEP({ SEP: mark.Comma, DEF: () => this.SUBRULE(this.dim) });
    this.CONSUME(mark.RBracket);
  });

  // dim = "..." | expr
  dim = this.rule("dim", () => {
    this.OR([{ ALT: () => this.CONSUME(mark.Ellipsis) }, { ALT: () => this.SUBRULE(this.expr) }]);
  });

  // repeat = "repeat" expr [ "as" name ] body
  repeat = this.rule("repeat", () => {
    this.CONSUME(word.repeat);
    this.SUBRULE(this.expr);
    this.OPTION(() => {
      this.CONSUME(word.as);
      this.CONSUME(Name);
    });
    this.SUBRULE(this.body);
  });

  // result = "return" expr { "," expr }
  result = this.rule("result", () => {
    this.CONSUME(word.return);
    this.AT_LEAST_ONE_SEP({ SEP: mark.Comma, DEF: () => this.SUBRULE(this.expr) });
  });

  // expr = "if" cmp "then" expr "else" expr | cmp
  expr = this.rule("expr", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(word.if);
          this.SUBRULE1(this.cmp);
          this.CONSUME(word.then);
          this.SUBRULE2(this.expr, { LABEL: "whenTrue" });
          this.CONSUME(word.else);
          this.SUBRULE3(this.expr, { LABEL: "whenFalse" });
        },
      },
      { ALT: () => this.SUBRULE4(this.cmp) },
    ]);
  });

  // cmp = sum [ ("==" | "!=" | "<" | "<=" | ">" | ">=") sum ]
  cmp = this.rule("cmp", () => {
    this.SUBRULE1(this.sum, { LABEL: "operand" });
    this.OPTION(() => {
      this.OR([
        { ALT: () => this.CONSUME(mark.EqualEqual, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.NotEqual, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.Less, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.LessEqual, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.Greater, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.GreaterEqual, { LABEL: "operator" }) },
      ]);
      this.SUBRULE2(this.sum, { LABEL: "operand" });
    });
  });

  // sum = product { ("+" | "-") product }
  sum = this.rule("sum", () => {
    this.SUBRULE1(this.product, { LABEL: "operand" });
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME(mark.Plus, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.Minus, { LABEL: "operator" }) },
      ]);
      this.SUBRULE2(this.product, { LABEL: "operand" });
    });
  });

  // product = unary { ("*" | "/" | "%") unary }
  product = this.rule("product", () => {
    this.SUBRULE1(this.unary, { LABEL: "operand" });
    this.MANY(() => {
      this.OR([
        { ALT: () => this.CONSUME(mark.Star, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.Slash, { LABEL: "operator" }) },
        { ALT: () => this.CONSUME(mark.Percent, { LABEL: "operator" }) },
      ]);
      this.SUBRULE2(this.unary, { LABEL: "operand" });
    });
  });

  // unary = [ "-" ] postfix
  unary = this.rule("unary", () => {
    this.OPTION(() => this.CONSUME(mark.Minus));
    this.SUBRULE(this.postfix);
  });

  // postfix = atom { member | call | index }
  postfix = this.rule("postfix", () => {
    this.SUBRULE(this.atom);
    this.MANY(() => {
      this.OR([
        { ALT: () => this.SUBRULE(this.member, { LABEL: "suffix" }) },
        { ALT: () => this.SUBRULE(this.call, { LABEL: "suffix" }) },
        { ALT: () => this.SUBRULE(this.index, { LABEL: "suffix" }) },
      ]);
    });
  });

  // member = "." name
  member = this.rule("member", () => {
    this.CONSUME(mark.Dot);
    this.CONSUME(Name);
  });

  // call = "(" [ argument { "," argument } ] ")"
  call = this.rule("call", () => {
    this.CONSUME(mark.LParen);
    this.MANY_SEP({ SEP: mark.Comma, DEF: () => this.SUBRULE(this.argument) });
    this.CONSUME(mark.RParen);
  });

  // argument = [ name "=" ] expr
  argument = this.rule("argument", () => {
    this.OR([
      {
        ALT: () => {
          this.CONSUME(Name);
          this.CONSUME(mark.Equals);
          this.OPTION({ GATE: () => this.valueOnLine(), MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE1(this.expr) });
        },
      },
      { ALT: () => this.SUBRULE2(this.expr) },
    ]);
  });

  // index = "[" slice { "," slice } "]"
  index = this.rule("index", () => {
    this.CONSUME(mark.LBracket);
    this.AT_LEAST_ONE_SEP({ SEP: mark.Comma, DEF: () => this.SUBRULE(this.slice) });
    this.CONSUME(mark.RBracket);
  });

  // slice = [ expr ] [ ":" [ expr ] ]
  slice = this.rule("slice", () => {
    this.OR([
      {
        ALT: () => {
          this.SUBRULE1(this.expr, { LABEL: "start" });
          this.OPTION1(() => {
            this.CONSUME1(mark.Colon);
            this.OPTION2(() => this.SUBRULE2(this.expr, { LABEL: "stop" }));
          });
        },
      },
      {
        ALT: () => {
          this.CONSUME2(mark.Colon);
          this.OPTION3(() => this.SUBRULE3(this.expr, { LABEL: "stop" }));
        },
      },
    ]);
  });

  // atom = number | string | "true" | "false" | name | list | record | "(" expr ")"
  atom = this.rule("atom", () => {
    this.OR([
      { ALT: () => this.CONSUME(NumberToken) },
      { ALT: () => this.CONSUME(StringToken) },
      { ALT: () => this.CONSUME(word.true) },
      { ALT: () => this.CONSUME(word.false) },
      { ALT: () => this.CONSUME(Name) },
      { ALT: () => this.SUBRULE(this.list) },
      { ALT: () => this.SUBRULE(this.record) },
      {
        ALT: () => {
          this.CONSUME(mark.LParen);
          this.SUBRULE(this.expr);
          this.CONSUME(mark.RParen);
        },
      },
    ]);
  });

  // list = "[" [ expr ( "for" name "in" expr | { "," expr } ) ] "]"
  list = this.rule("list", () => {
    this.CONSUME(mark.LBracket);
    this.OPTION(() => {
      this.SUBRULE1(this.expr, { LABEL: "item" });
      this.OR([
        {
          ALT: () => {
            this.CONSUME(word.for);
            this.CONSUME(Name);
            this.CONSUME(word.in);
            this.SUBRULE2(this.expr, { LABEL: "over" });
          },
        },
        {
          ALT: () =>
            this.MANY(() => {
              this.CONSUME(mark.Comma);
              this.SUBRULE3(this.expr, { LABEL: "item" });
            }),
        },
      ]);
    });
    this.CONSUME(mark.RBracket);
  });

  // record = "{" { entry [ "," ] } "}"
  record = this.rule("record", () => {
    this.CONSUME(mark.LBrace);
    this.MANY(() => {
      this.SUBRULE(this.entry);
      this.OPTION(() => this.CONSUME(mark.Comma));
    });
    this.CONSUME(mark.RBrace);
  });

  // entry = (path | string) "=" expr
  entry = this.rule("entry", () => {
    this.OR([{ ALT: () => this.SUBRULE(this.path) }, { ALT: () => this.CONSUME(StringToken) }]);
    this.CONSUME(mark.Equals);
    this.OPTION({ GATE: () => this.valueOnLine(), MAX_LOOKAHEAD: 1, DEF: () => this.SUBRULE(this.expr) });
  });

  private rule(name: string, definition: () => void): ParserMethod<[], CstNode> {
    return this.RULE(name, definition);
  }

  /** Whether the next token stands on the line of the last one: a value starts on the line of its `=`. */
  private valueOnLine(): boolean {
    return this.LA(1).startLine === this.LA(0).endLine;
  }

  /** Whether the name ahead opens a section: `name {`, `name (`, `name name {` or `name name (`. */
  private sectionAhead(): boolean {
    const next = isName(this.LA(2)) ? this.LA(3) : this.LA(2);
    return next.tokenType === mark.LBrace || next.tokenType === mark.LParen;
  }
}
