<?php
// A SOAP far side of another make: PHP's own SoapServer. Keeps what it took as JSON lines in HUB_PEER_DIR.
ini_set('soap.wsdl_cache_enabled', '0');
ini_set('display_errors', '0');
$home = getenv('HUB_PEER_DIR');

function held(): array {
    global $home;
    $file = "$home/held.jsonl";
    return is_file($file) ? array_map(fn($line) => json_decode($line, true), file($file, FILE_IGNORE_NEW_LINES)) : [];
}

function holds(string $key): bool {
    return in_array($key, array_column(held(), 'key'), true);
}

// One writer at a time: looks and keeps under one lock. Returns whether it was new.
function keep(string $key, array $body): bool {
    global $home;
    $lock = fopen("$home/lock", 'c');
    flock($lock, LOCK_EX);
    $fresh = !holds($key);
    if ($fresh) {
        file_put_contents("$home/held.jsonl", json_encode(['key' => $key, 'body' => $body], JSON_UNESCAPED_UNICODE) . "\n", FILE_APPEND);
    }
    flock($lock, LOCK_UN);
    return $fresh;
}

class CaseService {
    public function saveCase($in) {
        if ($in->case->name === '拒绝') {
            return ['code' => '500', 'message' => '资料不全'];
        }
        if ($in->case->name === '故障') {
            throw new SoapFault('Server', '数据库忙');
        }
        if ($in->case->name === '错误') {
            throw new SoapFault('Client', '格式错误');
        }
        $body = ['number' => $in->case->number, 'name' => $in->case->name];
        return keep($in->key, $body) ? ['code' => '200', 'message' => '成功'] : ['code' => '201', 'message' => '重复提交'];
    }
    public function findCase($in) {
        return holds($in->key) ? ['number' => $in->key] : [];
    }
    // rows.json: [{number, name, changed}, ...]; three rows a page, everything changed at or after `since`.
    public function listCases($in) {
        global $home;
        $rows = is_file("$home/rows.json") ? json_decode(file_get_contents("$home/rows.json"), true) : [];
        $rows = array_values(array_filter($rows, fn($row) => strcmp($row['changed'], $in->since) >= 0));
        usort($rows, fn($a, $b) => strcmp($a['changed'], $b['changed']));
        return ['pages' => (int) ceil(count($rows) / 3), 'row' => array_slice($rows, ($in->page - 1) * 3, 3)];
    }
}

class Entrance {
    public function serverHander($platCode, $platPwd) {
        global $home;
        if ($platCode !== '621125' || $platPwd !== 'p&<w') {
            return '002';
        }
        $key = bin2hex(random_bytes(8));
        file_put_contents("$home/keys", "$key\n", FILE_APPEND);
        return $key;
    }
    public function serverEntrance($orgCode, $loginKey, $msgName, $security, $timeStamp, $businessID, $processData) {
        global $home;
        $keys = is_file("$home/keys") ? file("$home/keys", FILE_IGNORE_NEW_LINES) : [];
        if (end($keys) !== $loginKey) {
            return '001';
        }
        if ($security !== md5(mb_gbk($processData))) {
            return '003';
        }
        $body = ['number' => element($processData, 'field_1'), 'name' => element($processData, 'field_2')];
        if ($body['name'] === '拒绝') {
            return '009';
        }
        keep($businessID, $body);
        return '0';
    }
    public function listCodes() {
        return ['甲', '乙'];
    }
}

function mb_gbk(string $text): string {
    return iconv('UTF-8', 'GB18030', $text);
}

// The county's services rarely have more than this for reading inner XML; neither has a bare PHP.
function element(string $xml, string $name): string {
    return between($xml, "<$name>", "</$name>");
}

function attribute(string $xml, string $name): string {
    return between($xml, " $name=\"", '"');
}

function between(string $xml, string $open, string $close): string {
    $start = strpos($xml, $open);
    $end = $start === false ? false : strpos($xml, $close, $start + strlen($open));
    return $end === false ? '' : html_entity_decode(substr($xml, $start + strlen($open), $end - $start - strlen($open)), ENT_QUOTES | ENT_XML1);
}

class Focus {
    // Answers as such services do: an XML document, declared GBK, escaped once more than needed, inside the string.
    public function setDataXmlToFocus($user, $password, $xmlStr) {
        if ($password !== 'secret') {
            return htmlspecialchars('<?xml version="1.0" encoding="GBK"?><root><head><code>7</code><message>无权</message></head></root>');
        }
        $body = ['number' => attribute($xmlStr, 'number'), 'name' => element($xmlStr, 'name')];
        $fresh = keep(attribute($xmlStr, 'key'), $body);
        $code = $fresh ? '1' : '2';
        return htmlspecialchars("<?xml version=\"1.0\" encoding=\"GBK\"?><root><head><code>$code</code><id>R{$body['number']}</id></head></root>");
    }
}

// A vendor's style: one operation, one string; every field a <s name="value"/> of its own, the method among them. Strict about it.
class DwWebService {
    public function doInvoke($xmlPara) {
        if (!preg_match('~^<\?xml version="1.0" encoding="GBK"\?><p>(<s \w+="[^"]*"/>)+</p>$~u', $xmlPara)) {
            return $this->said('<s error="参数格式错误"/>');
        }
        preg_match_all('~<s (\w+)="([^"]*)"/>~u', $xmlPara, $found);
        $given = array_map(fn($value) => html_entity_decode($value, ENT_QUOTES | ENT_XML1), array_combine($found[1], $found[2]));
        $method = $given['serviceMethod'] ?? '';
        $number = $given['rsxtid'] ?? '';
        unset($given['serviceMethod'], $given['rsxtid']);
        if ($number !== '621125') {
            return $this->said('<s error="系统编号错误"/>');
        }
        return $method === 'saveYwsl' ? $this->save($given) : $this->steps((int) $given['xh']);
    }
    private function save($given) {
        if (!preg_match('/^\d{17}[0-9X]$/', $given['sfzhm'])) {
            return $this->said('<s error="身份证号码错误"/>');
        }
        return $this->said(keep($given['ywbh'], $given) ? "<s lsh=\"DW{$given['ywbh']}\"/>" : '<s error="业务编号已存在"/>');
    }
    // One step for each case, at most two a call, numbered from 1.
    private function steps($since) {
        $rows = '';
        foreach (array_slice(held(), $since, 2) as $place => $entry) {
            $number = $since + $place + 1;
            $rows .= "<r xh=\"$number\" ywbh=\"{$entry['key']}\" hjmc=\"业务初审\" jbr=\"赵建\" kssj=\"{$entry['body']['slsj']}\"/>";
        }
        return $this->said("<d>$rows</d>");
    }
    private function said($inside) {
        return "<?xml version=\"1.0\" encoding=\"GBK\"?><p>$inside</p>";
    }
}

// Runs without a WSDL, as many Axis services do: what a value is, it can only know from its xsi:type.
class Types {
    public function types($text, $days, $paid, $fee, $case, $rows) {
        $names = fn($values) => implode(' ', array_map('gettype', array_values((array) $values)));
        return implode(' ', array_map('gettype', [$text, $days, $paid, $fee])) . ' (' . $names($case) . ') [' . $names($rows) . ']';
    }
}

$services = ['/case' => ['case.wsdl', 'CaseService'], '/entrance' => ['entrance.wsdl', 'Entrance'], '/focus' => ['focus.wsdl', 'Focus'],
    '/dareway' => ['dareway.wsdl', 'DwWebService']];
$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path === '/types') {
    $server = new SoapServer(null, ['uri' => 'urn:example:types', 'encoding' => 'UTF-8']);
    $server->setClass('Types');
    $server->handle();
    return;
}
if (!isset($services[$path])) {
    http_response_code(404);
    return;
}
[$wsdl, $class] = $services[$path];
$server = new SoapServer(__DIR__ . "/$wsdl", ['cache_wsdl' => WSDL_CACHE_NONE, 'encoding' => 'UTF-8']);
$server->setClass($class);
$server->handle();
