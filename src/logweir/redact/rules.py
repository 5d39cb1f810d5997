r"""The table of rules: what is found, by which pattern, and what it must leave.

To add a rule, add a row: a gate of lower-case literals, a pattern in RE2 syntax whose repeats are
bounded or consume what they match, a guard for what RE2 cannot say, and examples, «…» marking what
goes. The tests run every example. Secrets come first, then numbers: a number is judged by the words
around it, and none of these may vanish afterwards. Literals are broken in two ("gh" "p_…") where a
scanner of repositories would take the example for a key.
"""

from __future__ import annotations

from logweir.redact import accounts, addresses, assigned, emails, phones, secrets
from logweir.redact.assignment import ASSIGNED, with_a_value
from logweir.redact.light import Final
from logweir.redact.phones import EXTENSION
from logweir.redact.rule import Rule

_A36: Final = "a1B2c3D4e5F6" * 3
_BASE64: Final = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC"
_LINE: Final = _BASE64 * 2
# Hyphens, dashes and the minus of printed text.
_DASH: Final = "[\u2010\u2011\u2012\u2013\u2014\u2015\u2212]"
_OCTET: Final = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"

RULES: Final[tuple[Rule, ...]] = (
    # ---- secrets: by their shape ---------------------------------------------------------------
    Rule(
        name="private-key",
        finds="a PEM private key, over lines or escaped",
        gate=("-----BEGIN",),
        spans_lines=True,
        pattern=r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
        r"(?:(?:\s|\\{1,4}[rnt]){0,4}(?:Proc-Type|DEK-Info|Version|Comment): [^\r\n\\]{0,200})"
        r"{0,4}",
        guard=secrets.pem,
        takes=(
            f"«-----BEGIN RSA PRIVATE KEY-----\n{_BASE64}\nAbC=\n-----END RSA PRIVATE KEY-----»\n",
            f"key «-----BEGIN EC PRIVATE KEY-----\n  {_BASE64}»",
            f'{{"k":"«-----BEGIN PRIVATE KEY-----\\n{_BASE64}\\n-----END PRIVATE KEY-----»\\n"}}',
            f"a | «-----BEGIN PRIVATE KEY-----\na | {_LINE}\na | AbC=\na | -----END KEY-----»",
            (
                f'{{"log":"«-----BEGIN PRIVATE KEY-----\\n","n":1}}\n{{"log":"{_LINE}\\n"}}\n'
                '{"log":"-----END PRIVATE KEY-----»\\n","n":1}'
            ),
        ),
        leaves=(
            f"-----BEGIN CERTIFICATE-----\n{_BASE64}\n-----END CERTIFICATE-----",
            "expected -----BEGIN PRIVATE KEY----- in line 1",
            f"a | -----BEGIN PRIVATE KEY-----\na | {_LINE}\na | done\na | done\n",
        ),
    ),
    Rule(
        name="password",
        finds="the value of a password",
        gate=("pass", "pwd"),
        pattern=r"(?i)(?P<key>pass(?:word|wd|phrase|code)?|pwd)s?[0-9]{0,2}"
        r"(?:[_-]?(?:again|confirm(?:ation|ed)?|repeat(?:ed)?|retyped?|verify))?" + ASSIGNED,
        narrowed=with_a_value,
        guard=assigned.password,
        takes=(
            "login password=«hunter2» ok",
            'body {"user": "al", "password": "«it\\"s, me»"}',
            r'body "{\"password\":\"«x»\",\"n\":1}"',
            r'"\"{\\\"password\\\":\\\"«two deep»\\\"}\""',
            "GET /login?user=al&password=«s3cret!»&next=/ HTTP/1.1",
            "spring.datasource.password: «hunter2»",
            "DB_PASSWORD='«a b c»', A_PASSWORD=«9cBJ»\0PORT=80",
            "$config['password'] => '«x y»'",
            "mysql --password «hunter2» -u root, --password '«-x»'",
            "ALTER USER al WITH PASSWORD '«x»'",
            "<password>«hunter2»</password>",
            'Login { password: Some("«hunter2»") }',
            "userPass=«abc»",
            "pwd=«abc»; userPwd := «x»",
            '"password"=>"«a b»", "password_confirmation"=>"«a b»"',
            "user%5Bpassword%5D=«x%26y»&commit=Go, q=%22password%22%3A%22«a%25b»%22%2C",
            '  + password             = "«hunter2»"  DB_PASSWORD:          «hunter2»',
            "PASSWORD = N'«x y»', password=f\"«hunter2»\", password: rb'«hunter2»'",
            r'["mysqldump","--password","«hunter2»","-v"], [\'run\', \'--password\', \'«x y»\']',
            "db_pass: «hunter2», SMTP_PASS: «hunter2»",
            r"{\x22password\x22:\x22«hunter2»\x22} \u0022password\u0022:\u0022«x\ny»\u0022",
            '{"passwords":["«hunter2","hunter3»"]}',
            "<password><![CDATA[«a<b]>c»]]></password>",
            "<m>&lt;password&gt;«hunter2»&lt;/password&gt;</m> password\\t=\\t«x=yz»",
        ),
        leaves=(
            "Failed password for root from host port 22 ssh2",
            "password: null, password=, passwords: [1]",
            "Invalid password: user not found",
            "PWD=/home/al OLDPWD=/tmp",
            "bypass=true compass=north passed=12 pass: 12 db_pass: 12",
            'fields: ["password", "email"], ("password", "token"), password, email',
            "--- PASS: TestLogin (0.00s)",
            "password=[REDACTED] password=******** password=${DB_PASSWORD}",
            '"password": "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER", Password: [PROTECTED];',
            "--password=PASS",
            "pam_unix(chpasswd:chauthtok): password changed for al",
            "New password: BAD PASSWORD: it is too simple, password: Path `password` is required.",
            '"permitemptypasswords": "no", jc --passwd -p',
            "password_file=/run/secrets/db forgotPassword=/reset password=%PASSWORD%",
            "password = @pwd; password = await read()",
        ),
    ),
    Rule(
        name="password",
        finds="the password of an SQL user",
        gate=("identified", "password("),
        pattern=r"(?i)(?:identified(?:[ \t]{1,4}with[ \t]{1,4}[a-z0-9_'\"]{1,40})?"
        r"[ \t]{1,4}(?:by|as)[ \t]{1,4}(?:password[ \t]{1,4})?|password\()"
        r"\\{0,3}[\"'](?P<value>[^\"'\\\r\n\x1a]{1,256})",
        guard=secrets.sql_password,
        takes=(
            "CREATE USER 'al'@'%' IDENTIFIED BY '«hunter2»'",
            "SET PASSWORD FOR 'al'@'%' = PASSWORD('«x y»')",
        ),
        leaves=("identified by name, IDENTIFIED BY '?', input.password('Password')",),
    ),
    Rule(
        name="password",
        finds="the first password of MySQL's root",
        gate=("temporary password",),
        pattern=r"(?i)temporary password is generated for [^\s\x1a:]{1,64}: "
        r"(?P<value>[^\s\x1a\"'\\]{4,128})",
        guard=secrets.only_value,
        takes=("[Note] A temporary password is generated for root@localhost: «aBc#1dEf2gH»",),
        leaves=("a temporary password is generated for each user",),
    ),
    Rule(
        name="password",
        finds="the password that curl is given",
        gate=("curl",),
        pattern=r"curl[ \t]",
        guard=secrets.curl_password,
        takes=(
            "+ curl -s -u elastic:«P@ssw0rd$1» https://db:9200",
            "curl --cacert ca.crt --user  'al:«hunter2»' https://db",
            'curl -sSu ":«x»" https://db, curl --proxy-user=al:«x» https://db',
        ),
        leaves=(
            "curl -u $USER:$PASS https://db, curl -u al https://db:9200, curl https://db:9200 -v",
            'curl/7.68.0 -u a:b "curl: (6) Could not resolve host: db" curl -u "id:","x"',
        ),
    ),
    Rule(
        name="secret",
        finds="the value of a secret",
        gate=("secret",),
        pattern=r"(?i)secret(?:[_-]?(?:access[_-]?)?key(?:_base)?|[_-]?(?:token|value))?"
        + ASSIGNED,
        narrowed=with_a_value,
        guard=assigned.named_secret,
        takes=(
            "client_secret=«abc»",
            'aws: {"SecretAccessKey": "«wJalrXUtnFEMI/K7MDENG»"}',
            "AWS_SECRET_ACCESS_KEY=«wJalrXUtnFEMI/K7MDENG»",
        ),
        leaves=('MountVolume.SetUp failed: secret "db-token" not found', "secretName: web-tls"),
    ),
    Rule(
        name="token",
        finds="the value of a token",
        gate=("token",),
        pattern="(?i)token" + ASSIGNED,
        narrowed=with_a_value,
        guard=assigned.named_secret,
        takes=(
            "GET /hook?token=«abc123» HTTP/1.1",
            '"access_token":"«ya29.a0Af»", \'token\': «abcdef»',
            "X-Auth-Token: «0123abcd»",
        ),
        leaves=(
            "Unexpected token: foo at 3:14",
            "INFO org.apache.hadoop.security.token.Token: Token renewed for job_17",
            "SyntaxError: Unexpected token < in JSON at position 0",
            "max_tokens=4096 token_type=bearer tokens: 12 token: 12",
            "lark.exceptions.UnexpectedToken: Unexpected token Token('$END', '')",
            "X-Auth-Token: TOKEN_REDACTED, EOS token        = 128009 '<|eot_id|>'",
            "if (token == null) return;",
        ),
    ),
    Rule(
        name="api-key",
        finds="the value of an API key, an access key and their like",
        gate=("key",),
        pattern="(?i)key" + ASSIGNED,
        narrowed=with_a_value,
        guard=assigned.named_key,
        takes=("api_key=«abc»", "x-api-key: «0123-abcd»", 'apiKey: "«x»"', "AccountKey=«Zm9v==»"),
        leaves=("key=user:17 primary key: 12 cache_key=abc", "api key: missing", "monkey=1"),
    ),
    Rule(
        name="authorization",
        finds="the credentials of an Authorization header",
        gate=("authorization",),
        pattern=r"(?i)authorization\\{0,7}[\"']?[ \t]{0,4}[:=][ \t]{0,4}\\{0,7}[\"']?"
        r"(?P<scheme>[a-z][a-z0-9-]{2,20}[ \t]{1,4})?(?P<value>[^\s\x1a\x1b\"'\\,;\[\]<>]{6,})",
        guard=secrets.authorization,
        takes=(
            "Authorization: Bearer «abcdef»",
            r"{\"authorization\":\"Token «0123abcd»\"}",
            'Authorization: OAuth «oauth_token="xvz1", oauth_signature="tnn%3D"» sent',
            "Authorization: AWS4-HMAC-SHA256 «Credential=a/2/s3, Signature=fe5f» by x",
            'authorization: Digest «username="al", response="6629fae4"»',
            "authorization=«0123abcd»",
        ),
        leaves=(
            "Authorization: Basic",
            "authorization: required",
            "authorization: Bearer [REDACTED]",
        ),
    ),
    Rule(
        name="bearer",
        finds="a Bearer token",
        gate=("bearer",),
        pattern=r"(?i)bearer(?:[ \t]{1,4}|%20|:[ \t]?)(?P<value>[a-z0-9._~+/-]{8,}={0,2})",
        guard=secrets.bearer,
        takes=("sent Bearer «abc123def456»", "-H 'bearer «mF_9.B5f-4.1JqM»'"),
        leaves=("Bearer authentication failed", "the bearer of this"),
    ),
    Rule(
        name="basic",
        finds="Basic credentials",
        gate=("basic",),
        pattern=r"(?i)basic(?:[ \t]{1,4}|%20)(?P<value>[a-z0-9+/]{6,}={0,2})",
        guard=secrets.basic,
        takes=("sent Basic «dXNlcjpwYXNz»",),
        leaves=("Basic authentication required", "Basic realm"),
    ),
    Rule(
        name="url-password",
        finds="the password in a URL",
        gate=("://",),
        sketch="@",
        pattern=r"://[^\s\x1a/?#:@\"'<>\[\]\\]{0,256}:(?P<value>[^\s\x1a/\"'<>\[\]\\]{1,256})@",
        guard=secrets.only_value,
        takes=("postgres://app:«p@ss:w0rd»@db:5432/x", "redis://:«pw»@cache"),
        leaves=("http://host:8080/a@b", "https://al@host/"),
    ),
    Rule(
        name="url-password",
        finds="the password in a data source name of Go's MySQL driver",
        gate=("@tcp(", "@unix("),
        pattern=r"@(?:tcp|unix)\(",
        guard=secrets.dsn_password,
        takes=("WARN:x:dsn=root:«p@ss:w0rd»@tcp(db:3306)/x", '"al:«pw»@unix(/run/mysqld.sock)/x"'),
        leaves=("root@tcp(db:3306)/x, al:${PW}@tcp(db)/x",),
    ),
    Rule(
        name="secret",
        finds="the signature of an Azure URL that gives access (SAS)",
        gate=("sig=",),
        pattern="sig=(?P<value>[A-Za-z0-9%+/]{40,140}(?:%3[Dd]|=))",
        guard=secrets.url_signature,
        takes=("/c/b?sp=r&sig=«abc%2BdefGHIjklMNOpqrSTUvwxYZ0123456789abcdefg%3D»&sv=1",),
        leaves=("orig=abcdefGHIjklMNOpqrSTUvwxYZ0123456789abcdefg=, &sig=abc",),
    ),
    Rule(
        name="jwt",
        finds="a JSON web token",
        gate=("eyJ",),
        pattern=r"eyJ[A-Za-z0-9_.-]+",
        guard=secrets.jwt,
        takes=("jwt «eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl».",),
        leaves=("eyJhbGciOiJIUzI1NiJ9", "eyJ.eyJ.x", "keyJson.parse.fail"),
    ),
    # ---- secrets: vendors' tokens --------------------------------------------------------------
    Rule(
        name="aws-key",
        finds="an AWS access key id",
        gate=("AKIA", "ASIA"),
        pattern=r"(?:AKIA|ASIA)[0-9A-Z]{16}\b",
        guard=secrets.token,
        takes=("id «AKIAIOSFODNN7EXAMPLE» used",),
        leaves=("AKIA1234", "ASIAN_MARKETS_2024_REPORT"),
    ),
    Rule(
        name="github-token",
        finds="a GitHub token",
        gate=("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        pattern=r"(?:gh[oprsu]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{40,})",
        guard=secrets.token,
        takes=(f"push with «ghp_{_A36}»", f"«github_pat_{_A36}_{_A36}»"),
        leaves=("ghp_short", "github_pat_"),
    ),
    Rule(
        name="gitlab-token",
        finds="a GitLab token",
        gate=("glpat-", "gldt-", "glrt-", "glptt-", "glcbt-", "gloas-", "glagent-"),
        pattern=r"gl(?:pat|dt|rt|ptt|cbt|oas|agent)-[A-Za-z0-9_-]{20,}",
        guard=secrets.token,
        takes=("t=«glpat-a1B2c3D4e5F6a1B2c3D4»",),
        leaves=("glpat-short",),
    ),
    Rule(
        name="slack-token",
        finds="a Slack token or webhook",
        gate=("xox", "xapp-", "hooks.slack.com/"),
        pattern=r"(?:xox[abeoprs](?:\.xox[bp])?-[A-Za-z0-9-]{10,}|xapp-[0-9]-[A-Za-z0-9-]{10,}"
        r"|hooks\.slack\.com/services/[A-Za-z0-9/]{20,})",
        guard=secrets.token,
        takes=("«xoxb-1234567890-abcdefGHIJ»", f"https://«hooks.slack.com/services/{_A36}»"),
        leaves=("xoxo-love", "https://hooks.slack.com/"),
    ),
    Rule(
        name="google-key",
        finds="a Google API key or OAuth token",
        gate=("AIza", "ya29.", "GOCSPX-", "0//0"),
        pattern=r"(?:1//0[A-Za-z0-9_-]{30,}|AIza[A-Za-z0-9_-]{35}|ya29\.[A-Za-z0-9_-]{20,}|GOCSPX-[A-Za-z0-9_-]{20,})",
        guard=secrets.token,
        takes=(f"?k=«AIza{_A36[:35]}»&z=1", f"«ya29.{_A36}»"),
        leaves=("AIzaShort",),
    ),
    Rule(
        name="stripe-key",
        finds="a Stripe key",
        gate=("sk_live_", "sk_test_", "rk_live_", "rk_test_", "whsec_"),
        pattern=r"(?:[rs]k_(?:live|test)|whsec)_[A-Za-z0-9]{16,}",
        guard=secrets.token,
        takes=(f"«sk_live_{_A36}»",),
        leaves=("task_live_update", "sk_test_"),
    ),
    Rule(
        name="npm-token",
        finds="an npm or PyPI token",
        gate=("npm_", "pypi-"),
        pattern=r"(?:npm_[A-Za-z0-9]{36}|pypi-[A-Za-z0-9_-]{50,})",
        guard=secrets.token,
        takes=(f"//registry/:_auth «npm_{_A36}»",),
        leaves=("npm_config_cache=/var/cache/npm", "pypi-mirror"),
    ),
    Rule(
        name="ai-key",
        finds="an OpenAI, Anthropic or SendGrid key",
        gate=("sk-", "SG."),
        pattern=r"(?:sk-[A-Za-z0-9_-]{32,}|SG\.[A-Za-z0-9_-]{16,32}\.[A-Za-z0-9_-]{16,64})",
        guard=secrets.token,
        takes=(f"«sk-proj-{_A36}»", f"«SG.{_A36[:22]}.{_A36}»"),
        leaves=("disk-usage-of-the-whole-cluster-is-high-now", "msg.example.handler"),
    ),
    # ---- addresses -----------------------------------------------------------------------------
    Rule(
        name="email",
        finds="an e-mail address",
        gate=("@", "%00"),
        sketch=r"(?:@|%00)[0Aa.-]{1,253}\.[Aa]{2}",
        pattern=r"(?:@|%(?:25){0,2}40)"
        r"(?P<domain>[A-Za-z0-9.-]{1,253}\.[A-Za-z]{2}[A-Za-z0-9.-]{0,253})",
        guard=emails.email,
        takes=(
            "to=<«joe.o+x@mail.example.com»>, relay",
            "?email=«joe%40example.com»&x=1",
            "mail «joe@example.com».",
            "an «jörg@example.de» gesandt",
        ),
        leaves=(
            "git@github.com:owner/repository.git",
            "Started user@1000.service",
            "logo@2x.png lombok@1.18.30 root@localhost Object@1b2c3d",
        ),
    ),
    Rule(
        name="ipv6",
        finds="an IPv6 address",
        gate=("::",),
        pattern="::[0-9A-Fa-f:.]{0,40}",
        guard=addresses.ipv6,
        takes=(
            "listen [«2001:db8::1»]:8080",
            "peer «fe80::1ff:fe23:4567:890a»%eth0 up",
            "client «::ffff:10.0.0.1», «::1»",
            "node:«2001:db8::1»/64 [client «2001:db8::1»:52345]",
        ),
        leaves=(
            "std::string Foo::Bar dec::f32 Digest::MD5 :::8080 [::]:80",
            "=INFO REPORT==== 9-Nov-2016::14:29:11 ===",
        ),
    ),
    Rule(
        name="ipv6",
        finds="an IPv6 address, in full",
        gate=(":",),
        times=6,
        sketch=":[0Aa]{1,4}:[0Aa]{1,4}:[0Aa]{1,4}:",
        pattern=":[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f]{1,4}:[0-9A-Fa-f:.]{0,40}",
        anchored=False,
        guard=addresses.ipv6,
        takes=("from «2001:0db8:85a3:0000:0000:8a2e:0370:7334»: refused",),
        leaves=(
            "mac 00:1b:44:11:3a:b7 eui 00:11:22:33:44:55:66:77",
            "12:30:45:678 at 10:23:45.123",
        ),
    ),
    Rule(
        name="ipv4",
        finds="an IPv4 address",
        gate=(".",),
        times=3,
        sketch=r"\.0{1,3}\.0{1,3}\.0",
        before=_OCTET,
        reach=3,
        pattern=rf"\.{_OCTET}\.{_OCTET}\.{_OCTET}",
        anchored=False,
        guard=addresses.ipv4,
        takes=(
            "User 7 accessed «10.0.0.1» twice",
            "connect «10.0.0.1»:8080, «192.168.1.0»/24, «10.0.0.1»-«10.0.0.9».",
            "Node 1 (localhost/«127.0.0.1»:9092)",
            "https://«8.8.8.8»/dns",
            "请求来自«10.0.0.1»的用户",
        ),
        leaves=(
            'v1.2.3.4 version 1.2.3.4 version=1.2.3.4 "version": "1.2.3.4"',
            "Chrome/1.2.3.4 nginx-1.25.3.1 1.2.3.4-alpine foo_1.2.3.4_amd64.deb",
            "1.2.3 1.2.3.4.5 256.1.1.1 1.02.3.4 app-1.2.3.4.jar",
            "Windows NT 5.1; rv:1.8.1.14) Linux 2.6.29.6-213.fc11.i586",
        ),
    ),
    # ---- numbers -------------------------------------------------------------------------------
    Rule(
        name="iban",
        finds="an IBAN: the country's length and the checksum are right",
        gate=("AA00",),
        sketch="AA00(?:[0A]{11}|[ -][0A]{4}[ -])",
        pattern="[A-Z]{2}[0-9]{2}(?:[A-Z0-9]{11,29}"
        "|(?: [A-Z0-9]{4}){2,7}(?: [A-Z0-9]{1,3})?|(?:-[A-Z0-9]{4}){2,7}(?:-[A-Z0-9]{1,3})?)",
        guard=accounts.iban,
        takes=(
            "iban=«DE89370400440532013000»&x",
            "to «GB29 NWBK 6016 1331 9268 19», paid",
            "IBAN «NL91 ABNA 0417 1643 00» OK",
        ),
        leaves=(
            "DE89370400440532013001 GB29 NWBK 6016 1331 9268 20",
            "ID00 2024 0101 0000 0000 XDE89370400440532013000",
        ),
    ),
    Rule(
        name="iban",
        finds="what a word says is an IBAN: of any length and case, the checksum is right",
        gate=("iban",),
        sketch="[Aa]{2}00(?:[0Aa]{10}|[ -][0Aa]{4}[ -])",
        pattern=r"(?i)iban(?:[ _-]?(?:number|num|no|code))?\.?(?: is)?\\{0,3}[\"']?[ \t]{0,3}"
        r"[:=#>]?[ \t]{0,3}\\{0,3}[\"']?(?P<value>[a-z]{2}[0-9]{2}(?:[a-z0-9]{10,30}"
        "|(?: [a-z0-9]{4}){2,7}(?: [a-z0-9]{1,3})?|(?:-[a-z0-9]{4}){2,7}(?:-[a-z0-9]{1,3})?))",
        guard=accounts.named_iban,
        takes=(
            "iban=«de89370400440532013000»&x",
            "using this IBAN «GB52 BJFI 8740 9526 7386 7» or",
            "My IBAN is «IR730981738110042962940210»",
        ),
        leaves=("iban=de89370400440532013001", "caliban de89370400440532013001"),
    ),
    Rule(
        name="ssn",
        finds="nine digits that a word says are a US social security number",
        gate=("ssn", "social", "ss#"),
        sketch="000(?:000000|[ .-]00[ .-]0000)",
        pattern=r"(?i)(?:ssn|social(?:[ _-]?security)?|ss#)(?:[ _-]?(?:number|num|no))?\.?"
        r"(?: is| was)?"
        r"\\{0,3}[\"']?[ \t]{0,3}[:=#]{0,2}[ \t]{0,3}\\{0,3}[\"']?"
        r"(?P<value>[0-9]{9}|[0-9]{3}[ .-][0-9]{2}[ .-][0-9]{4})",
        guard=accounts.named_ssn,
        takes=(
            '{"SSN":"«219099999»"}',
            "ssn=«219099999», SS# «219099999»",
            "My SSN is «219 09 9999», SSN: «219.09.9999», SSN: «987-65-4321»",
            "His social security number is «219099999», my social is «219099999»",
        ),
        leaves=(
            "ssn=000099999 session 219099999",
            "ssn_hash=2190999991, session 219 09 9999, lesson 219 09 9999, pass# 219099999",
        ),
    ),
    Rule(
        name="ssn",
        finds="a US social security number",
        gate=("000-00-0000",),
        pattern="[0-9]{3}-[0-9]{2}-[0-9]{4}",
        guard=accounts.ssn,
        takes=("ssn=«123-45-6789»,", "SSN: «001-01-0001»."),
        leaves=("000-12-3456 666-12-3456 900-12-3456 123-00-4567 123-45-0000 2023-45-6789",),
    ),
    Rule(
        name="phone",
        finds="a phone number, + and 8 to 15 digits",
        gate=("+0", "+(0", "%0"),
        sketch=r"(?:\+|%0[Aa])(?:\(0{1,5}\)|0(?:0{0,2}[ .()-]|0{5}|0{3,4}[ .()-][0(]))",
        pattern=r"(?P<plus>\+|%2[Bb])(?:\([1-9][0-9]{0,4}\)|[1-9])[0-9 ().-]{6,24}[0-9]",
        guard=phones.international_phone,
        takes=(
            "call «+1 (555) 123-4567» or «+442079460958»",
            "From=«%2B4915112345678»&To=1",
            "call «+1-347-839-9740x390»-Fax",
            "«+41 (0)69 979 80 58» «+358 40 123 45 67»",
            "«+(371) 60062082» «(+30) 6905 103567» «+359(0)286 381 266» «+43 5296 51468 615» at",
            "«+49 30 12345678» status 200, «+33 1 23 45 67 89», «+1-800-555-0199».",
        ),
        leaves=(
            "[10/Oct/2000:13:55:36 +0000] 10:00:00+02:00 +1000 12345678",
            "+37.7749,-122.4194 +40.7128-074.0060/ a+12345678901 +1234567.89 10~+20191229111838",
        ),
    ),
    Rule(
        name="phone",
        finds="a phone number, 3-3-4",
        gate=("000-0000",),
        before=r"(?:(?:001|1)[-. ])?(?:\([0-9]{3}\)[-. ]?|[0-9]{3}[-. ])",
        reach=10,
        pattern="[0-9]{3}-[0-9]{4}" + EXTENSION,
        guard=phones.phone,
        takes=(
            "call «(555) 123-4567» or «555-123-4567 x12» or «1-555-123-4567»",
            '{"phone":"«555-123-4567»"}',
        ),
        leaves=("id 9555-123-4567 555-123-45678 A-555-123-4567 100-200-3000",),
    ),
    Rule(
        name="phone",
        finds="a phone number, 3-3-4, with dashes out of a text",
        gate=("000?0000",),
        before=rf"(?:\([0-9]{{3}}\) ?|[0-9]{{3}}{_DASH})",
        reach=6,
        pattern=f"[0-9]{{3}}{_DASH}[0-9]{{4}}" + EXTENSION,
        guard=phones.phone,
        takes=("call «415\u2013555\u20130132» or «(415) 555\u20110132»",),
        leaves=("555?0132 415?555?0132 100\u2013200\u20133000",),
    ),
    Rule(
        name="phone",
        finds="a phone number, 3.3.4",
        gate=("000.000.0000",),
        before=r"(?:1\.)?",
        reach=2,
        pattern=r"[0-9]{3}\.[0-9]{3}\.[0-9]{4}" + EXTENSION,
        guard=phones.dotted_phone,
        takes=("call «555.123.4567».",),
        leaves=("version 555.123.4567 v555.123.4567 1.555.123.4567.8 100.200.3000",),
    ),
    Rule(
        name="phone",
        finds="a phone number, 3 3 4",
        gate=("000 0000",),
        before=r"(?:1 )?(?:\([0-9]{3}\)|[0-9]{3}) ",
        reach=8,
        pattern="[0-9]{3} [0-9]{4}" + EXTENSION,
        guard=phones.spaced_phone,
        takes=(
            "call «(555) 123 4567» or reach me at «212 555 0187» today",
            "callback for Amy at «212 555 0187», Amy Pond,«212 555 0187»,x",
            "reach us at «(212) 555-0187» or «212 555 0187»",
        ),
        leaves=(
            '"GET / HTTP/1.1" 200 512 1024 "-"',
            "sizes 200 512 1024 232 512 1024",
            "failed tests: 571 612 1056, NHS number 886 636 7586, Room 404-1234",
        ),
    ),
    Rule(
        name="phone",
        finds="a number that a word in front says is a phone's",
        gate=("phone", "mobile", "cell", "tel", "fax", "msisdn", "sms", "whatsapp", "desk"),
        pattern=r"(?i)(?:(?:tele|cell)?phones?|telefon[eo]?|mobile|cell(?:ulare)?|tel|(?:tele)?fax"
        r"|msisdn|sms|whatsapp|desk)(?:[ _-]?(?:numbers?|num|no|nr))?\.?"
        r"(?: (?:is|to|at|on|from|sent to))?\\{0,3}[\"']{0,2}"
        r"(?:(?:[ \t]{0,3}[:=#>,]|[ \t]{1,3}-[ \t]){0,2}|%3[AaDd])[ \t]{0,3}\[?\\{0,3}[\"']{0,2}"
        r"(?P<number>\(?[0-9][0-9 ()./-]{5,24}[0-9])",
        guard=phones.named_phone,
        takes=(
            "phone=«5551234567» status=200",
            'tel: «030 1234567», "mobile_number": "«0171/1234567»"',
            "Fax «(030) 123456», <phone>«386 411 6434»</phone>",
            "SMS sent to «5551234567», Phone («308 801 4840»)",
            "Desk: «5551234567», Phone #: «0171/1234567», Mobile - «07700 900123»",
            '{"phones":["«4155550132»"]}, phone numbers: «4155550132»',
            "Fax: «00420 705 179 321»",
        ),
        leaves=("hotel 1234567 telemetry=1234567 phone_id 1234567 mobile: 2024-01-15",),
    ),
    Rule(
        name="phone",
        finds="a number in groups that somebody is called at",
        gate=(
            *("call", "registered", "answering", "office", "contact", "reach", "dial"),
            *("message to", "messages to", "message from", "messages from"),
            *("my number", "his number", "her number", "our number", "their number"),
            *("number changed", "hotline", "helpline", "landline", "voicemail"),
            *("toll free", "toll-free", "texted", "text me", "text us", "text 0", "text (0"),
            *("ring me", "ring on"),
        ),
        sketch=r" \(?0[0 ()./-]{5,24}0",
        pattern=r"(?i)(?:call(?:er|ed|ing|back)?(?: number)?|messages? (?:to|from)|registered"
        r"|answering|office(?: number)?|contact(?:ed| number)?|reach(?:ed)?"
        r"|dial(?:l?ed|l?ing)?(?: in)?|(?:my|his|her|our|their) number(?: changed)?"
        r"|number changed|hotline|helpline|landline|voicemail|toll[ -]free"
        r"|text(?:ed| me| us)?|ring (?:me|on))(?: (?:me|us|him|her|them|you))?(?: back)?(?: is)?"
        r"(?: (?:at|on|to|from|via|under))?:? (?P<number>\(?[0-9][0-9 ()./-]{5,24}[0-9])",
        guard=phones.written_phone,
        takes=(
            "call me at «07 4063 1234» or on my registered «098 765 432 10»",
            "caller «550-2400» hung up, messages to «(030) 123456»",
            "contact us at «0412 636 953», dial in via «07 73 29 63 94», hotline «082 404 3183»",
            "my number changed to «074 1373 5044», his emergency contact is «07053 1712540».",
            "office number is «06 53968381», CALL ME AT «07 4063 1234»",
            "call me back on «4155550132», text us at «14155550132»",
        ),
        leaves=(
            "call 12345678 returned, message 12 345 678 of 2345678901, office 1234567",
            "call 2024-01-15 10:00 failed, called at 1234567890.123, system call 334 1234567 0",
            "reached 1 000 000 in all, reached 1000-2000, rpc_svc_call 1.6 89/07/20",
            "driver's license number is 006 984185, contact 12345678, context 06 94 74 99 86",
        ),
    ),
    Rule(
        name="phone",
        finds="a number that a word behind says is a phone's",
        gate=("office", "fax", "mobile", "desk"),
        sketch="0[0 ()./-]{5,24}0[ -][aA]",
        before=r"\(?[0-9][0-9 ()./-]{5,24}[0-9][ -]",
        reach=28,
        pattern="(?i)(?:office|fax|mobile|desk)",
        guard=phones.phone_of_a_line,
        takes=("«030 1234567» office, «(07) 4063 1234»-Fax, «5199171823»-Fax",),
        leaves=("at 10:00 12 345 678 mobiles, 1234567 mobile users, 2024-01-15 office",),
    ),
    Rule(
        name="phone",
        finds="a local phone number, 3-4",
        gate=("000-0000",),
        pattern="[0-9]{3}-[0-9]{4}" + EXTENSION,
        guard=phones.local_phone,
        takes=(
            "User «555-0199» accessed 7",
            "phone:«867-5309», («555-0100»)",
            "at «(1) 501-3830», on «(175)350-2479»?",
        ),
        leaves=(
            "lines 100-2000 bytes=234-5678/9000 ports 300-4000, 200-1000, 255-2048 bytes",
            "order 555-0199 INV-555-0199 555-0199:80 12:555-0199 /555-0199 555-0199%",
            "550e8400-e29b-41d4-a716-446655440000 CVE-2021-44228 2024-01-15",
            "IEEE Std 754-2008, 754R -> 754-2008",
        ),
    ),
    Rule(
        name="card",
        finds="a payment card in groups: prefix, length and checksum are right",
        gate=("0000 0000 0000", "0000-0000-0000", "0000 000000 0000", "0000-000000-0000"),
        pattern="(?:[2-6][0-9]|06|18)[0-9]{2}(?:(?: [0-9]{4}){2,3}(?: [0-9]{1,4})?"
        "|(?:-[0-9]{4}){2,3}(?:-[0-9]{1,4})?|(?: [0-9]{6} |-[0-9]{6}-)[0-9]{4,5})",
        guard=accounts.card,
        takes=(
            "card «4111 1111 1111 1111», «5555-5555-5555-4444»",
            "«3782 822463 10005» in 2024 «4242 4242 4242 4242» 12/26 123",
        ),
        leaves=(
            "id 4111-1111-1111-1111-1111",
            "fans 1200 4242 4242 4242 4242 1300",
            "card number 1234 5678 9012 3456, account GB37 KNDY 3660 6205 8359 21 rejected",
        ),
    ),
    Rule(
        name="card",
        finds="a payment card: prefix, length and checksum are right",
        gate=("000000000000",),
        pattern="(?:[2-6][0-9]|06|18)[0-9]{10,17}",
        guard=accounts.card,
        takes=(
            "card=«4111111111111111», amex «378282246310005»",
            "Maestro «501800000009», card number is «4222222222222»",
            "Charge «4222222222222» for $3, JCB's «180038978732073»",
            "account=«4111111111111111»",
        ),
        leaves=(
            "4111111111111112 order 4000000000000000 501800000009 4222222222222",
            "1700000000000 1700000000000000 1700000000000000000 card 1700000000009",
            "trace 4111111111111111a",
            '"flow_id":4242424242424242 R14: 5555555555554444 SerialNumber: 4111111111111111',
            "srcMAC=00:0c:29:aa:bb:cc^eventId=4222222222222",
            "https://x.example/testcase/5390364397928448, paid in order 501800000009",
        ),
    ),
)
